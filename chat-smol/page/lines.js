// What each line of the server does to the conversation.

import { fold, isRoom } from './irc.js';
import { plain } from './text.js';

/** @typedef {import('./chat.js').Chat} Chat */

/** Numerics that refuse to let us into a room. */
const NOT_LET_IN = new Set(['403', '405', '471', '473', '474', '475', '476']);

/** What a reader that was too slow is told. */
const MISSED = /^you were too slow and missed \d+ message/;

/** What a line does, by its command. */
const HANDLERS = {
  '001': (chat, { params: [me] }) => {
    chat.me = me;
  },

  JOIN(chat, { nick, params: [name], tags }) {
    if (!chat.isMe(nick)) {
      const room = chat.room(name);
      room?.put(nick);
      return presence(chat, room, tags, { what: 'join', nick });
    }
    const room = chat.begin(name);
    Object.assign(room, { joined: true, wanted: true, held: [], topic: '' });
    room.people.clear();
    chat.keepRooms();
    if (chat.opening.delete(room.key) || !chat.active) chat.show(room);
    chat.on.changed('rooms');
    chat.on.changed('topic', room);
  },

  PART(chat, { nick, params: [name, why], tags }) {
    const room = chat.room(name);
    if (!room) return;
    if (chat.isMe(nick)) return chat.forget(room);
    room.remove(nick);
    presence(chat, room, tags, { what: 'leave', nick, why });
  },

  QUIT(chat, { nick, params: [why], tags }) {
    for (const room of chat.rooms.values()) {
      if (room.remove(nick)) presence(chat, room, tags, { what: 'leave', nick, why });
    }
    if (fold(nick) === fold(chat.wantedName)) chat.regain();
  },

  KICK(chat, { nick, params: [name, whom, why] }) {
    const room = chat.room(name);
    if (!room) return;
    const reason = why && why !== nick ? `: ${why}` : '';
    room.remove(whom);
    if (chat.isMe(whom)) {
      Object.assign(room, { joined: false, wanted: false, held: null });
      room.people.clear();
      chat.keepRooms();
      chat.note(room, `${nick} put you out of ${room.name}${reason}. To return: /join ${room.name}`, true);
      chat.on.changed('rooms');
    } else {
      chat.note(room, `${nick} put ${whom} out${reason}`);
    }
    chat.on.changed('people', room);
  },

  NICK(chat, { nick, params: [to], tags }) {
    const isMe = chat.isMe(nick);
    if (isMe) chat.me = to;
    for (const room of [...chat.rooms.values()]) {
      const was = room.key;
      if (!room.rename(nick, to)) continue;
      if (was === fold(nick) && !chat.room(to)) {
        chat.rooms.delete(was);
        room.name = to;
        chat.rooms.set(room.key, room);
        chat.on.changed('rooms');
      }
      presence(chat, room, tags, { what: 'rename', nick, to });
    }
    if (isMe) chat.on.changed('name');
    else if (fold(nick) === fold(chat.wantedName)) chat.regain();
  },

  AWAY(chat, { nick, params: [why] }) {
    for (const room of chat.rooms.values()) {
      const person = room.people.get(fold(nick));
      if (!person) continue;
      person.away = Boolean(why);
      chat.on.changed('people', room);
    }
  },

  TOPIC(chat, { nick, params: [name, topic = ''] }) {
    const room = chat.room(name);
    if (!room) return;
    room.topic = plain(topic);
    chat.note(room, topic ? `${nick} set the topic: ${plain(topic)}` : `${nick} removed the topic`);
    chat.on.changed('topic', room);
  },

  MODE(chat, { nick, params: [name, ...changes] }) {
    const room = chat.room(name);
    if (!room) return;
    for (const told of room.mode(changes)) chat.note(room, `${nick || 'The server'} ${told}`);
    chat.on.changed('people', room);
  },

  INVITE(chat, { nick, params: [whom, name] }) {
    if (chat.isMe(whom)) chat.note(chat.active, `${nick} invites you to ${name}`);
    else chat.note(chat.room(name), `${nick} invites ${whom}`);
  },

  PRIVMSG: message,
  NOTICE: message,

  331: (chat, { params: [, name] }) => setTopic(chat, name, ''),
  332: (chat, { params: [, name, topic] }) => setTopic(chat, name, topic),

  353(chat, { params: [, , name, names = ''] }) {
    const room = chat.room(name);
    for (const word of names.split(' ').filter(Boolean)) {
      const [, signs, nick] = /^([@+]*)(.*)$/.exec(word);
      room?.put(nick, signs);
    }
  },

  366(chat, { params: [, name] }) {
    const room = chat.room(name);
    if (!room?.joined) return;
    chat.on.changed('people', room);
    if (room.held) chat.catchUp(room);
  },

  301: (chat, { params: [, nick, why] }) => chat.note(chat.active, `${nick} is away: ${why}`),
  305: (chat) => chat.note(chat.active, 'You are no longer marked as away'),
  306: (chat) => chat.note(chat.active, 'You are marked as away'),
  311: (chat, { params: [, nick, user, host, , real] }) =>
    chat.note(chat.active, `${nick} is ${user}@${host} (${real})`),
  317: (chat, { params: [, nick, seconds] }) =>
    chat.note(chat.active, `${nick} said something ${Math.round(seconds / 60)} minutes ago`),
  319: (chat, { params: [, nick, names] }) => chat.note(chat.active, `${nick} is in ${names}`),
  324: (chat, { params: [, name, ...modes] }) => chat.note(chat.active, `Modes of ${name}: ${modes.join(' ')}`),
  341: (chat, { params: [, nick, name] }) => chat.note(chat.active, `${nick} is invited to ${name}`),
  367: (chat, { params: [, name, mask] }) => chat.note(chat.active, `Banned from ${name}: ${mask}`),
  368: (chat, { params: [, name] }) => chat.note(chat.active, `Those were the bans of ${name}`),

  372: (chat, { params }) => chat.messageOfTheDay.push(plain(params.at(-1))),
  375: (chat) => {
    chat.messageOfTheDay = [];
  },

  FAIL: (chat, { params }) => chat.on.alert(params.at(-1)),
  WARN: (chat, { params }) => chat.on.alert(params.at(-1)),
  NOTE: (chat, { params }) => chat.note(chat.active, params.at(-1)),
};

/** Does what a line says. @param {Chat} chat @param {import('./irc.js').Line} line @param {string} label */
export function handle(chat, line, label) {
  const { command, params } = line;
  const isAnswer = /^\d|^(FAIL|WARN|NOTE)$/.test(command);
  // Who has asked is told; 301 comes with the echo of a message.
  if (isAnswer && label && command !== '301' && chat.client.isAsked(label)) return;
  const handler = HANDLERS[command];
  if (handler) return handler(chat, line, label);
  if (!/^[45]\d\d$/.test(command)) return;
  const [, about = ''] = params;
  const room = chat.room(about);
  if (NOT_LET_IN.has(command)) chat.opening.delete(fold(about));
  if (NOT_LET_IN.has(command) && room && !room.joined) {
    room.wanted = false;
    chat.note(room, `You cannot enter ${about}: ${params.at(-1)}`, true);
  } else {
    chat.on.alert(params.length > 2 ? `${params.slice(1, -1).join(' ')}: ${params.at(-1)}` : params.at(-1));
  }
}

function message(chat, line, label) {
  const { source, nick, params: [target = '', text = ''], tags } = line;
  if (/^\x01(?!ACTION )/.test(text)) return;
  const isOwn = chat.isMe(nick);
  if (isRoom(target)) {
    const room = chat.room(target);
    if (!room) return;
    if (!source.includes('!') && MISSED.test(text)) return room.held ? undefined : chat.catchUp(room);
    chat.confirm(room, label);
    return chat.add(room, chat.entryOf(line));
  }
  // The server itself says something to us alone.
  if (!source.includes('!')) return chat.note(chat.active, plain(text));
  const other = isOwn ? target : nick;
  const room = chat.begin(other);
  chat.confirm(room, label);
  // Our own words to ourselves come twice.
  const entry = chat.entryOf(line);
  if (!(isOwn && chat.isMe(target) && !label && tags.has('msgid'))) chat.add(room, entry);
}

function presence(chat, room, tags, change) {
  if (!room) return;
  const why = change.why && plain(change.why);
  chat.add(room, { kind: 'presence', time: Date.parse(tags.get('time')) || Date.now(), changes: [{ ...change, why }] });
  chat.on.changed('people', room);
}

function setTopic(chat, name, topic) {
  const room = chat.room(name);
  if (!room) return;
  room.topic = plain(topic ?? '');
  chat.on.changed('topic', room);
}
