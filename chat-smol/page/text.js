// What somebody said, cut into plain text and links.

const CODES = /\x03(\d{1,2}(,\d{1,2})?)?|\x04([0-9a-f]{6})?|[\0-\x08\x0b-\x1f\x7f]/gi;

const LINKS = /https?:\/\/[^\s<>"`{}|\\^]+|(?<![\p{L}\p{N}_/#&])#[\p{L}\p{N}][\p{L}\p{N}\p{M}_.'-]*/giu;

export const plain = (text) => text.replace(CODES, '');

export function piecesOf(said) {
	const text = plain(said);
	const pieces = [];
	let at = 0;
	for (const match of text.matchAll(LINKS)) {
		const link = trimmed(match[0]);
		const href = hrefOf(link);
		if (!href) continue;
		pieces.push({ text: text.slice(at, match.index) }, { text: link, href });
		at = match.index + link.length;
	}
	return [...pieces, { text: text.slice(at) }].filter((it) => it.text);
}

export function mentions(text, name) {
	const escaped = name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
	return name !== '' && new RegExp(`(?<![\\p{L}\\p{N}_])${escaped}(?![\\p{L}\\p{N}_])`, 'iu').test(text);
}

function trimmed(link) {
	for (;;) {
		const last = link.at(-1);
		const isUnpaired = last === ')' && link.split(')').length > link.split('(').length;
		if (!isUnpaired && !'.,:;!?\'"…»”’]'.includes(last)) return link;
		link = link.slice(0, -1);
	}
}

function hrefOf(link) {
	if (link[0] === '#') return `#${encodeURIComponent(link.slice(1))}`;
	const url = URL.canParse(link) && new URL(link);
	return /^https?:$/.test(url.protocol) ? url.href : '';
}
