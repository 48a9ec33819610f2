const MAX_LINE = 510;

const ESCAPES = { ':': ';', s: ' ', r: '\r', n: '\n' };

export function parse(text) {
	const [, tagged = '', source = '', rest] = /^(?:@(\S*) +)?(?::(\S*) +)?(.*)$/s.exec(text);
	const tags = new Map();
	for (const tag of tagged.split(';')) {
		const [key, ...value] = tag.split('=');
		tags.set(key, value.join('=').replace(/\\(.?)/gs, (_, it) => ESCAPES[it] ?? it));
	}
	const colon = rest.indexOf(' :');
	const params = (colon < 0 ? rest : rest.slice(0, colon)).split(' ').filter(Boolean);
	if (colon >= 0) params.push(rest.slice(colon + 2));
	const command = (params.shift() ?? '').toUpperCase();
	return { tags, nick: source.split('!', 1)[0], isPerson: source.includes('!'), command, params };
}

export function format(label, command, ...params) {
	const words = params.map((it) => it.replace(/[\r\n\0]+/g, ' '));
	const last = words.pop();
	if (last !== undefined) words.push(/^$|^:| /.test(last) ? `:${last}` : last);
	return [...(label ? [`@label=${label}`] : []), command, ...words].join(' ');
}

export const fold = (name) => name.replace(/[A-Z]/g, (it) => it.toLowerCase());

export const isRoom = (target) => target.startsWith('#');

export const timeOf = (tags) => Date.parse(tags.get('time')) || Date.now();

export const actionOf = (text) => /^\x01ACTION ([^\x01]*)/.exec(text)?.[1];

const bytes = (text) => new TextEncoder().encode(text).length;

export function split(text, me, target) {
	// What stands around it: `:me!~web@HOST PRIVMSG target :`, and perhaps what makes it an action.
	const room = MAX_LINE - 60 - bytes(me + target);
	const pieces = [''];
	for (const character of text) {
		const piece = pieces.at(-1);
		if (bytes(piece + character) <= room) pieces[pieces.length - 1] += character;
		else {
			const end = piece.lastIndexOf(' ') + 1 || piece.length;
			pieces.splice(-1, 1, piece.slice(0, end), piece.slice(end) + character);
		}
	}
	return pieces.map((it) => it.trimEnd()).filter(Boolean);
}
