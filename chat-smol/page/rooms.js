// A room, or a conversation with one person, and who is in it.

import { fold, isRoom } from './irc.js';
import { Log } from './log.js';

/**
 * @typedef {{nick: string, signs: string, away: boolean}} Person
 *
 * What we have said and not yet seen come back:
 * waiting for a connection, sent, unsure because the connection was lost, or failed.
 * @typedef {{text: string, command: string, nick: string, time: number, label: string,
 *   state: 'waiting' | 'sent' | 'unsure' | 'failed', why: string}} Outgoing
 */

/** Signs of roles, highest first, and their modes. */
const ROLES = { o: '@', v: '+' };

/** Modes of rooms whose change has a parameter: always, and only if they are set. */
const WITH_PARAMETER = 'beIk';
const WITH_PARAMETER_IF_SET = 'l';

export class Room {
  /** Whether the server says that we are in it, and whether we want to be, so that it is joined again. */
  joined = false;
  wanted = true;
  topic = '';
  /** @type {Map<string, Person>} */
  people = new Map();
  log = new Log();
  unread = 0;
  mentions = 0;
  /** The newest message that was read, kept over visits. */
  readId = '';
  /** @type {Outgoing[]} */
  outgoing = [];
  /** What is said while the history is asked for; null: nothing is asked for. @type {import('./log.js').Entry[] | null} */
  held = null;

  constructor(name) {
    this.name = name;
  }

  get key() {
    return fold(this.name);
  }

  get isPrivate() {
    return !isRoom(this.name);
  }

  has(nick) {
    return this.people.has(fold(nick));
  }

  put(nick, signs = '', away = false) {
    this.people.set(fold(nick), { nick, signs, away });
  }

  remove(nick) {
    return this.people.delete(fold(nick));
  }

  rename(nick, to) {
    const person = this.people.get(fold(nick));
    if (!person) return false;
    this.people.delete(fold(nick));
    this.people.set(fold(to), { ...person, nick: to });
    return true;
  }

  /** Applies changes of modes such as `+o-v ann bob`. Returns each in words. */
  mode([changes = '', ...params]) {
    const told = [];
    let isSet = true;
    for (const mode of changes) {
      if (mode === '+' || mode === '-') {
        isSet = mode === '+';
        continue;
      }
      const hasParameter = mode in ROLES || WITH_PARAMETER.includes(mode) || (isSet && WITH_PARAMETER_IF_SET.includes(mode));
      const param = hasParameter ? params.shift() ?? '' : '';
      if (mode in ROLES) this.#setRole(param, ROLES[mode], isSet);
      const role = { o: 'operator', v: 'voice' }[mode];
      if (role) told.push(isSet ? `gave ${param} the role ${role}` : `took the role ${role} from ${param}`);
      else told.push(`set ${isSet ? '+' : '-'}${mode}${param && ` ${param}`}`);
    }
    return told;
  }

  #setRole(nick, sign, isSet) {
    const person = this.people.get(fold(nick));
    if (!person) return;
    const has = (it) => (it === sign ? isSet : person.signs.includes(it));
    person.signs = Object.values(ROLES).filter(has).join('');
  }

  /** Everyone: operators first, then those with a voice, by name. */
  sorted() {
    const rank = ({ signs }) => ['@', '+', ''].indexOf(signs.slice(0, 1));
    return [...this.people.values()].sort((a, b) => rank(a) - rank(b) || COLLATOR.compare(a.nick, b.nick));
  }
}

const COLLATOR = new Intl.Collator(undefined, { sensitivity: 'base', numeric: true });

/** Whether a message was said after another one; those of another life of the server count as later. */
export function isLater(id, than) {
  const [life, number] = (id ?? '').split('-');
  const [thanLife, thanNumber] = than.split('-');
  return life !== thanLife || Number(number) > Number(thanNumber);
}
