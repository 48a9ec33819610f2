// Lines of IRC: how they are read and written. <https://modern.ircdocs.horse>, and for tags
// <https://ircv3.net/specs/extensions/message-tags>.

/**
 * @typedef {object} Line
 * @property {Map<string, string>} tags
 * @property {string} source who it is from; empty: the server
 * @property {string} nick the name in `source`
 * @property {string} command in capitals
 * @property {string[]} params
 */

/** The most bytes of a line without its tags and its end. */
const MAX_LINE = 510;

const UNESCAPED = { ':': ';', s: ' ', '\\': '\\', r: '\r', n: '\n' };
const ESCAPED = { ';': '\\:', ' ': '\\s', '\\': '\\\\', '\r': '\\r', '\n': '\\n' };

/** Reads a line. Never fails: what cannot be read is an empty command. @returns {Line} */
export function parse(text) {
  const tags = new Map();
  let rest = text;
  if (rest.startsWith('@')) {
    const [word, after] = cut(rest);
    rest = after;
    for (const tag of word.slice(1).split(';')) {
      const equals = tag.indexOf('=');
      if (equals < 0) tags.set(tag, '');
      else tags.set(tag.slice(0, equals), tag.slice(equals + 1).replace(/\\(.?)/gs, (_, it) => UNESCAPED[it] ?? it));
    }
  }
  let source = '';
  if (rest.startsWith(':')) {
    const [word, after] = cut(rest);
    source = word.slice(1);
    rest = after;
  }
  const params = [];
  while (rest) {
    if (rest.startsWith(':') && params.length) {
      params.push(rest.slice(1));
      break;
    }
    const [word, after] = cut(rest);
    if (word) params.push(word);
    rest = after;
  }
  const command = (params.shift() ?? '').toUpperCase();
  return { tags, source, nick: source.split('!', 1)[0], command, params };
}

/** Writes a line. Line ends in parameters become spaces, so nobody's text is a command. */
export function format(command, params = [], tags = {}) {
  const tagged = Object.entries(tags).map(([key, value]) => `${key}=${value.replace(/[; \\\r\n]/g, (it) => ESCAPED[it])}`);
  const words = params.map((param) => String(param).replace(/[\r\n\0]+/g, ' '));
  const last = words.length - 1;
  if (last >= 0 && /^$|^:| /.test(words[last])) words[last] = `:${words[last]}`;
  return [...(tagged.length ? [`@${tagged.join(';')}`] : []), command, ...words].join(' ');
}

/** Returns a name in the form in which it is compared: the server says `CASEMAPPING=ascii`. */
export function fold(name) {
  return name.replace(/[A-Z]+/g, (it) => it.toLowerCase());
}

export function isRoom(target) {
  return target.startsWith('#');
}

/** Returns the text of a `/me`, or null. */
export function actionOf(text) {
  return /^\x01ACTION ([^\x01]*)\x01?$/.exec(text)?.[1] ?? null;
}

/** Returns how many bytes a message may have, so that the server passes it on in one line. */
export function roomFor(prefix, command, target) {
  return MAX_LINE - bytes(`:${prefix} ${command} ${target} :`);
}

/** Cuts a text into pieces of at most `max` bytes, after spaces if there are any, and never inside of a character. */
export function split(text, max) {
  const pieces = [];
  let piece = '';
  let size = 0;
  let space = 0;
  for (const character of graphemes(text)) {
    const length = bytes(character);
    if (piece && size + length > max) {
      const end = space || piece.length;
      pieces.push(piece.slice(0, end));
      piece = piece.slice(end);
      size = bytes(piece);
      space = 0;
    }
    piece += character;
    size += length;
    if (character === ' ') space = piece.length;
  }
  if (piece) pieces.push(piece);
  return pieces.map((it) => it.trimEnd()).filter(Boolean);
}

function graphemes(text) {
  if (!Intl.Segmenter) return text;
  return Array.from(new Intl.Segmenter().segment(text), (it) => it.segment);
}

function bytes(text) {
  return new TextEncoder().encode(text).length;
}

/** Returns the first word, and what stands after the spaces that follow it. */
function cut(text) {
  const end = text.indexOf(' ');
  return end < 0 ? [text, ''] : [text.slice(0, end), text.slice(end).trimStart()];
}
