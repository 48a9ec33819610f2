// What somebody said, cut into pieces: plain, links, rooms, and styles. <https://modern.ircdocs.horse/formatting>

/**
 * @typedef {object} Piece
 * @property {string} text
 * @property {string} [href] where it links to: an address of http or https, or a room
 * @property {string[]} styles names of classes
 */

const STYLES = { '\x02': 'bold', '\x1d': 'italic', '\x1f': 'underline', '\x1e': 'strike', '\x11': 'code', '\x16': 'mark' };

/** Codes of styles, and colours, which are left out: they would have to be readable on every background. */
const CODES = /\x03(?:\d{1,2}(?:,\d{1,2})?)?|\x04(?:[0-9a-f]{6}(?:,[0-9a-f]{6})?)?|[\x02\x1d\x1f\x1e\x11\x16\x0f]/gi;

/** Other control characters say nothing. */
const CONTROLS = /[\0-\x08\x0b-\x1f\x7f]/g;

const LINKS = /https?:\/\/[^\s<>"`{}|\\^\x00-\x1f]+|(?<![\p{L}\p{N}_/#&])#[\p{L}\p{N}][\p{L}\p{N}\p{M}_.'-]*/giu;

/** @returns {Piece[]} */
export function piecesOf(text) {
  const styles = new Set();
  const pieces = [];
  let at = 0;
  const add = (end) => {
    const part = text.slice(at, end).replace(CONTROLS, '');
    if (part) pieces.push(...linked(part, [...styles]));
  };
  for (const code of text.matchAll(CODES)) {
    add(code.index);
    at = code.index + code[0].length;
    const style = STYLES[code[0]];
    if (code[0] === '\x0f') styles.clear();
    else if (style && !styles.delete(style)) styles.add(style);
  }
  add(text.length);
  return pieces;
}

/** Returns a text without styles. */
export function plain(text) {
  return text.replace(CODES, '').replace(CONTROLS, '');
}

/** Whether a text has a name as a word. */
export function mentions(text, name) {
  if (!name) return false;
  const escaped = name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`(?<![\\p{L}\\p{N}_])${escaped}(?![\\p{L}\\p{N}_])`, 'iu').test(plain(text));
}

function linked(text, styles) {
  const pieces = [];
  let at = 0;
  for (const match of text.matchAll(LINKS)) {
    const link = trimmed(match[0]);
    const href = hrefOf(link);
    if (!href) continue;
    if (match.index > at) pieces.push({ text: text.slice(at, match.index), styles });
    pieces.push({ text: link, href, styles });
    at = match.index + link.length;
  }
  if (at < text.length) pieces.push({ text: text.slice(at), styles });
  return pieces;
}

/** Leaves out what ends the sentence around a link, and brackets that begin before it. */
function trimmed(link) {
  for (;;) {
    const last = link.at(-1);
    const opening = { ')': '(', ']': '[' }[last];
    const isUnpaired = opening && link.split(last).length > link.split(opening).length;
    if (!isUnpaired && !/[.,:;!?'"…»”’]/.test(last)) return link;
    link = link.slice(0, -1);
  }
}

function hrefOf(link) {
  if (link.startsWith('#')) return link.length > 1 ? `#${encodeURIComponent(link.slice(1))}` : '';
  try {
    const url = new URL(link);
    return /^https?:$/.test(url.protocol) && url.hostname ? url.href : '';
  } catch {
    return '';
  }
}
