// What was said in a room, as far as the page keeps it. Each entry has a number that never changes while it is kept.

/**
 * @typedef {object} Entry
 * @property {'said' | 'acted' | 'noticed' | 'presence' | 'note'} kind
 * @property {number} time in milliseconds since 1970
 * @property {string} [id] the `msgid`
 * @property {string} [nick]
 * @property {string} [text]
 * @property {boolean} [own]
 * @property {boolean} [mention] it names us
 * @property {boolean} [bad] a note of something that failed or is missing
 * @property {Change[]} [changes] of presence
 *
 * @typedef {{what: 'join' | 'leave' | 'rename', nick: string, to?: string, why?: string}} Change
 */

/** How many entries are kept of a room; older ones can be asked for again. */
export const MAX_KEPT = 10_000;

/** How many joins and leaves are folded into one entry, and how far apart they may be in milliseconds. */
const MAX_CHANGES = 50;
const MAX_APART = 3_600_000;

export class Log {
  /** @type {Entry[]} */
  #entries = [];
  #ids = new Set();
  /** Numbers of entries that have changed, for whoever shows them. */
  changed = new Set();
  /** The number of the oldest entry that is kept. */
  first = 0;
  /** Whether there is nothing older to ask for. */
  complete = false;
  /** The entry before which the unread ones begin. */
  unreadFrom = null;
  /** The stream, live or a page of history, and the id of the line added last: a long message is several lines. */
  #latest = { stream: '', id: '' };

  constructor(max = MAX_KEPT) {
    this.max = max;
  }

  /** The number that the next entry will have. */
  get end() {
    return this.first + this.#entries.length;
  }

  /** @returns {Entry | undefined} */
  at(number) {
    return this.#entries[number - this.first];
  }

  /** Returns the `msgid` of the newest or the oldest message. */
  newestId() {
    return this.#entries.findLast((entry) => entry.id)?.id;
  }

  oldestId() {
    return this.#entries.find((entry) => entry.id)?.id;
  }

  /**
   * Adds an entry at the end, unless it is there. Returns whether it is a new one.
   * @param {Entry} entry
   */
  append(entry, stream = 'live') {
    const last = this.#entries.at(-1);
    const key = keyOf(entry);
    if (key && this.#ids.has(key)) {
      const goesOn = entry.id && this.#latest.id === entry.id && this.#latest.stream === stream;
      if (!goesOn || last?.id !== entry.id) return false;
      last.text += entry.text;
      this.changed.add(this.end - 1);
      return false;
    }
    this.#latest = { stream, id: entry.id };
    if (entry.kind === 'presence' && last?.kind === 'presence' && isFoldable(last, entry)) {
      last.changes.push(...entry.changes);
      this.changed.add(this.end - 1);
      return false;
    }
    if (key) this.#ids.add(key);
    this.#entries.push(entry);
    // Not one by one: to move all of them costs as much for a hundred as for one.
    if (this.#entries.length > this.max + 100) this.#forget(this.#entries.length - this.max);
    return true;
  }

  /** Adds older entries before all others; those that are there are left out. @param {Entry[]} entries */
  prepend(entries) {
    const older = new Log(Infinity);
    for (const entry of entries) if (!this.#ids.has(keyOf(entry))) older.append(entry, 'page');
    if (this.#entries.length + older.#entries.length > this.max) return false;
    this.#entries.unshift(...older.#entries);
    for (const id of older.#ids) this.#ids.add(id);
    this.changed.add(this.first);
    this.first -= older.#entries.length;
    return true;
  }

  setUnreadFrom(number) {
    if (number === this.unreadFrom) return;
    for (const it of [this.unreadFrom, number]) if (it !== null) this.changed.add(it);
    this.unreadFrom = number;
  }

  #forget(count) {
    for (const entry of this.#entries.splice(0, count)) this.#ids.delete(keyOf(entry));
    this.first += count;
    this.complete = false;
  }
}

/**
 * What tells an entry from others. What the server itself says has an id in the history and none live.
 */
function keyOf(entry) {
  if (entry.kind === 'presence' || entry.kind === 'note') return '';
  return entry.nick ? entry.id : `${entry.time} ${entry.text}`;
}

function isFoldable(last, entry) {
  return last.changes.length < MAX_CHANGES && entry.time - last.changes[0].time < MAX_APART;
}

/** Says in a sentence what changes come to: who joined and left at once is not named twice. @param {Change[]} changes */
export function summary(changes) {
  /** By the name they have now: whether they were there before, are now, and their names. */
  const people = new Map();
  for (const { what, nick, to, why } of changes) {
    const person = people.get(nick) ?? { before: what !== 'join', first: nick };
    if (what === 'rename') people.delete(nick);
    people.set(what === 'rename' ? to : nick, { ...person, now: what !== 'leave', why });
  }
  const joined = [], left = [], passed = [], renamed = [], returned = [];
  for (const [nick, { before, now, first, why }] of people) {
    if (before && now) first === nick ? returned.push(nick) : renamed.push(`${first} is now ${nick}`);
    else if (now) joined.push(nick);
    else if (before) left.push(why ? `${nick} (${why})` : nick);
    else passed.push(nick);
  }
  const parts = [
    joined.length && `${list(joined)} joined`,
    left.length && `${list(left)} left`,
    passed.length && `${list(passed)} came and went`,
    returned.length && `${list(returned)} left and came back`,
    ...renamed,
  ];
  return parts.filter(Boolean).join('; ');
}

function list(names, max = 5) {
  if (names.length > max + 1) names = [...names.slice(0, max), `${names.length - max} others`];
  return names.length > 1 ? `${names.slice(0, -1).join(', ')} and ${names.at(-1)}` : names[0];
}
