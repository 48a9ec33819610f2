const CODES = /\x03(\d{1,2}(,\d{1,2})?)?|\x04([0-9a-f]{6})?|[\0-\x08\x0b-\x1f\x7f]/gi;

// Parentheses belong to a link in pairs, and what ends a sentence does not. Then names of rooms.
const LINKS = new RegExp(
	/https?:\/\/(?:\([^\s<>()]*\)|[^\s<>()"`{}|\\^])+(?<![.,:;!?'…»”’\]])/.source +
		/|(?<![\p{L}\p{N}_/#&])#[\p{L}\p{N}][\p{L}\p{N}\p{M}_.'-]*(?<![.'])/.source,
	'giu',
);

export const plain = (text) => text.replace(CODES, '');

export function piecesOf(said) {
	const text = plain(said);
	const pieces = [];
	let at = 0;
	for (const { 0: link, index } of text.matchAll(LINKS)) {
		const href = hrefOf(link);
		if (!href) continue;
		pieces.push({ text: text.slice(at, index) }, { text: link, href });
		at = index + link.length;
	}
	return [...pieces, { text: text.slice(at) }].filter((it) => it.text);
}

export function mentions(text, name) {
	const escaped = name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
	return name !== '' && new RegExp(`(?<![\\p{L}\\p{N}_])${escaped}(?![\\p{L}\\p{N}_])`, 'iu').test(plain(text));
}

function hrefOf(link) {
	if (link[0] === '#') return `#${encodeURIComponent(link.slice(1))}`;
	return URL.canParse(link) ? new URL(link).href : '';
}
