// The conversation: which rooms there are, which one is shown, and what we say. `lines.js` says what comes in.

import { Client } from './client.js';
import { catchUp, older } from './history.js';
import { actionOf, fold, isRoom, roomFor, split } from './irc.js';
import { handle } from './lines.js';
import { Room, isLater } from './rooms.js';
import { browser } from './store.js';
import { mentions } from './text.js';

/** The room that everyone is in. */
export const LOBBY = '#lobby';

/** How often we ask for our name while another connection has it, in milliseconds. */
const RENAME_INTERVAL = 10_000;

/** What a prefix has at most besides the name: `!~web@` and the sign for an address. */
const PREFIX_REST = 40;

export class Chat {
  /** The name that we have, and the one that we want. */
  me = '';
  wantedName = '';
  /** @type {Map<string, Room>} */
  rooms = new Map();
  /** @type {Room | null} */
  active = null;
  /** What the server says to whoever comes in. @type {string[]} */
  messageOfTheDay = [];
  /** Names of rooms that are to be shown when we are in them. */
  opening = new Set();
  /** Whether we have been in once, so that a name that is taken is no reason to give up. */
  hasEntered = false;
  #renaming = 0;
  #tries = 0;

  /**
   * @param {(text: string) => void} write
   * @param {object} on
   * @param {(what: 'rooms' | 'log' | 'people' | 'topic' | 'name' | 'active', room?: Room) => void} on.changed
   * @param {(text: string) => void} on.alert tells something that went wrong
   * @param {(why: string) => void} on.refused the name cannot be had
   * @param {() => void} on.quit
   * @param {(room: Room) => boolean} on.isRead whether somebody sees what is added to a room
   * @param {(room: Room, entry: import('./log.js').Entry) => void} on.mentioned
   */
  constructor(write, on) {
    this.on = on;
    this.client = new Client(write, {
      line: (line, label) => handle(this, line, label),
      registered: () => this.#registered(),
      refused: (why) => this.#otherName(why),
    });
  }

  // The connection

  opened() {
    this.#tries = 0;
    this.client.open(this.wantedName);
  }

  lost() {
    clearInterval(this.#renaming);
    for (const room of this.rooms.values()) {
      room.joined = false;
      for (const it of room.outgoing) if (it.state === 'sent') it.state = 'unsure';
      this.on.changed('log', room);
    }
    this.client.close();
  }

  #registered() {
    this.hasEntered = true;
    for (const room of this.rooms.values()) {
      if (room.isPrivate) this.#settle(room, 'The connection was lost; nobody knows whether it arrived.');
      else if (room.wanted) this.client.send('JOIN', room.name);
    }
    if (this.me !== this.wantedName) {
      this.#renaming = setInterval(() => this.regain(), RENAME_INTERVAL);
    }
    this.on.changed('name');
  }

  #otherName(why) {
    if (!this.hasEntered) {
      this.on.refused(why);
      return null;
    }
    const tries = ++this.#tries;
    return tries > 20 ? null : `${[...this.wantedName].slice(0, 28).join('')}${tries === 1 ? '_' : `-${tries}`}`;
  }

  /** Asks for our name again. */
  regain() {
    if (this.me === this.wantedName) clearInterval(this.#renaming);
    else if (this.client.registered) this.client.ask('NICK', this.wantedName);
  }

  /** Asks for another name. */
  async rename(name) {
    const lines = await this.client.ask('NICK', name).answer;
    const refusal = lines?.find(({ command }) => /^4\d\d$|^FAIL$/.test(command));
    if (refusal) return this.on.alert(`${name}: ${refusal.params.at(-1)}`);
    if (!lines) return;
    this.wantedName = this.me;
    clearInterval(this.#renaming);
    this.on.changed('name');
  }

  /** Leaves the conversation. */
  quit(why) {
    this.client.send('QUIT', ...(why ? [why] : []));
    this.hasEntered = false;
    this.on.quit();
  }

  isMe(nick) {
    return fold(nick) === fold(this.me);
  }

  // Rooms

  room(name) {
    return this.rooms.get(fold(name));
  }

  /** Returns a room, which begins with nothing if it is new. */
  begin(name) {
    let room = this.room(name);
    if (!room) {
      room = new Room(name);
      room.readId = browser.get('read', {})[room.key] ?? '';
      if (room.isPrivate) {
        room.log.complete = true;
        room.put(name);
      }
      this.rooms.set(room.key, room);
      this.keepRooms();
      this.on.changed('rooms');
    }
    return room;
  }

  /** Shows a room, and joins it before if need be. */
  open(name, key) {
    const room = this.room(name);
    if (!isRoom(name) || room?.joined) return this.show(room ?? this.begin(name));
    this.opening.add(fold(name));
    if (room) {
      room.wanted = true;
      this.show(room);
    }
    this.client.send('JOIN', name, ...(key ? [key] : []));
  }

  show(room) {
    if (!room || room === this.active) return;
    this.active = room;
    this.on.changed('active', room);
  }

  leave(room, why) {
    if (room.joined) this.client.send('PART', room.name, ...(why ? [why] : []));
    else this.forget(room);
  }

  forget(room) {
    const order = this.sorted();
    const index = order.indexOf(room);
    this.rooms.delete(room.key);
    this.keepRooms();
    if (this.active === room) {
      this.active = null;
      this.show(order[index + 1] ?? order[index - 1]);
      if (!this.active) this.on.changed('active');
    }
    this.on.changed('rooms');
  }

  /** All rooms in the order in which they are shown: rooms by name, then people. */
  sorted() {
    const rank = (room) => (room.isPrivate ? 2 : Number(room.key !== LOBBY));
    return [...this.rooms.values()].sort((a, b) => rank(a) - rank(b) || a.key.localeCompare(b.key));
  }

  keepRooms() {
    browser.set('rooms', [...this.rooms.values()].filter((room) => room.wanted && !room.isPrivate).map(({ name }) => name));
  }

  /** Everything in a room has been seen. */
  read(room) {
    const id = room.log.newestId();
    if (room.unread === 0 && (!id || id === room.readId)) return;
    room.unread = room.mentions = 0;
    if (id && !room.isPrivate) {
      room.readId = id;
      browser.set('read', { ...browser.get('read', {}), [room.key]: id });
    }
    this.on.changed('rooms');
  }

  // What is said by others

  /** Makes an entry of a message. */
  entryOf({ source, nick, command, params, tags }) {
    const words = params[1] ?? '';
    const action = actionOf(words);
    const isPerson = source.includes('!');
    const own = isPerson && this.isMe(nick);
    return {
      kind: action !== null ? 'acted' : command === 'NOTICE' ? 'noticed' : 'said',
      time: Date.parse(tags.get('time')) || Date.now(),
      id: tags.get('msgid'),
      nick: isPerson ? nick : '',
      text: action ?? words,
      own,
      mention: isPerson && !own && mentions(action ?? words, this.me),
    };
  }

  /** Adds an entry, after what was said while we were away. */
  add(room, entry) {
    if (room.held) room.held.push(entry);
    else this.#append(room, entry, 'live');
  }

  note(room, text, isBad = false) {
    if (room) this.#append(room, { kind: 'note', time: Date.now(), text, bad: isBad }, 'live');
    else this.on.alert(text);
  }

  #append(room, entry, stream) {
    if (entry.own) {
      const same = (it) => it.state === 'unsure' && it.text === entry.text;
      const index = room.outgoing.findIndex(same);
      if (index >= 0) room.outgoing.splice(index, 1);
    }
    const isNew = room.log.append(entry, stream);
    const isMessage = isNew && entry.nick && !entry.own;
    // What was said before the first visit is not unread.
    if (isMessage && (stream !== 'latest' || (room.readId && isLater(entry.id, room.readId)))) this.#count(room, entry);
    this.on.changed('log', room);
  }

  #count(room, entry) {
    const isForMe = entry.mention || room.isPrivate;
    if (!this.on.isRead(room)) {
      if (room.unread === 0) room.log.setUnreadFrom(room.log.end - 1);
      room.unread++;
      if (isForMe) room.mentions++;
      this.on.changed('rooms');
    }
    if (isForMe) this.on.mentioned(room, entry);
  }

  /** Asks for what was said in a room while we were away; what is said meanwhile comes after it. */
  async catchUp(room) {
    const held = (room.held ??= []);
    const show = (lines, stream) => {
      if (room.held === held) for (const line of lines) this.#append(room, this.entryOf(line), stream);
    };
    await catchUp(this.client, room, show, (text) => this.note(room, text, true));
    // We may have lost the connection and come back meanwhile.
    if (room.held !== held) return;
    room.held = null;
    for (const entry of held) this.#append(room, entry, 'live');
    if (room.joined) this.#settle(room, 'The connection was lost before it arrived.');
    this.on.changed('log', room);
  }

  /** Asks for older messages of a room. */
  async older(room) {
    if (room.log.complete || room.asksOlder || !room.joined || room.held) return;
    room.asksOlder = true;
    const lines = await older(this.client, room);
    room.asksOlder = false;
    if (!lines) return;
    if (!lines.length || !room.log.prepend(lines.map((line) => this.entryOf(line)))) room.log.complete = true;
    this.on.changed('log', room);
  }

  // What we say

  /** Says something in a room. It is shown as pending until it comes back. */
  say(room, text, command = 'PRIVMSG', wrap = (it) => it) {
    const prefix = 'x'.repeat(new TextEncoder().encode(this.me).length + PREFIX_REST);
    const max = roomFor(prefix, command, room.name) - wrap('').length;
    for (const piece of split(text, max)) {
      const outgoing = { text: piece, command, wrap, time: Date.now(), nick: this.me, label: '', state: 'waiting', why: '' };
      room.outgoing.push(outgoing);
      this.#send(room, outgoing);
    }
    room.log.setUnreadFrom(null);
    this.on.changed('log', room);
  }

  act(room, text) {
    this.say(room, text, 'PRIVMSG', (it) => `\x01ACTION ${it}\x01`);
  }

  again(room, outgoing) {
    outgoing.state = 'waiting';
    this.#send(room, outgoing);
    this.on.changed('log', room);
  }

  drop(room, outgoing) {
    room.outgoing = room.outgoing.filter((it) => it !== outgoing);
    this.on.changed('log', room);
  }

  async #send(room, outgoing) {
    if (!this.client.registered || room.held || (!room.joined && room.wanted && !room.isPrivate)) return;
    outgoing.state = 'sent';
    const { label, answer } = this.client.ask(outgoing.command, room.name, outgoing.wrap(outgoing.text));
    outgoing.label = label;
    const lines = await answer;
    if (!room.outgoing.includes(outgoing) || outgoing.label !== label || !lines) return;
    const error = lines.find(({ command }) => /^[45]\d\d$|^FAIL$/.test(command));
    outgoing.state = 'failed';
    outgoing.why = error?.params.at(-1) ?? 'The server has not confirmed it.';
    this.on.changed('log', room);
  }

  /** What we have said has come back. */
  confirm(room, label) {
    const index = label ? room.outgoing.findIndex((it) => it.label === label) : -1;
    if (index >= 0) room.outgoing.splice(index, 1);
  }

  /** After an absence: what is not in the history has not arrived, and what has waited is sent. */
  #settle(room, why) {
    for (const it of room.outgoing) {
      if (it.state === 'unsure') Object.assign(it, { state: 'failed', why });
      else if (it.state === 'waiting') this.#send(room, it);
    }
    this.on.changed('log', room);
  }
}
