// Lines of IRC, with tags: https://modern.ircdocs.horse, https://ircv3.net/specs/extensions/message-tags

/** The most bytes of a line without tags and line end. */
const MAX_LINE = 510;

const ESCAPES = { ':': ';', s: ' ', r: '\r', n: '\n' };

/** Reads a line. Never fails; `nick` is the name in the source, `isPerson` says that it is not the server. */
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

/** Writes a line. Line ends in parameters become spaces, so that nobody's text is a command. */
export function format(label, command, ...params) {
	const words = params.map((it) => it.replace(/[\r\n\0]+/g, ' '));
	const last = words.pop();
	if (last !== undefined) words.push(/^$|^:| /.test(last) ? `:${last}` : last);
	return [...(label ? [`@label=${label}`] : []), command, ...words].join(' ');
}

/** Returns a name as it is compared: the server has `CASEMAPPING=ascii`. */
export const fold = (name) => name.replace(/[A-Z]/g, (it) => it.toLowerCase());

export const isRoom = (target) => target.startsWith('#');

export const timeOf = (tags) => Date.parse(tags.get('time')) || Date.now();

/** Returns the text of a `/me`, if it is one. */
export const actionOf = (text) => /^\x01ACTION ([^\x01]*)/.exec(text)?.[1];

const bytes = (text) => new TextEncoder().encode(text).length;

/** Cuts a message into pieces that the server passes on in one line each: after spaces, if there are any. */
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
