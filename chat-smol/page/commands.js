// What one can write besides messages: /commands.

import { isRoom } from './irc.js';

/**
 * @typedef {object} Command
 * @property {string} args as they are shown; those in brackets may be left out
 * @property {string} help
 * @property {(chat: import('./chat.js').Chat, words: string[], rest: string) => string | void} run
 *   `rest` is the text after the command; returns why it cannot be done
 */

const NOWHERE = 'You are in no room';

/** Changes the roles of people in the room. */
function role(change, help) {
  return {
    args: 'NAME…',
    help,
    run: inRoom((chat, room, names) => {
      if (!names.length) return 'Who?';
      chat.client.send('MODE', room.name, change[0] + change[1].repeat(names.length), ...names);
    }),
  };
}

/** A command that needs a room. */
function inRoom(run) {
  return (chat, words, rest) => {
    const room = chat.active;
    return !room || room.isPrivate ? NOWHERE : run(chat, room, words, rest);
  };
}

/** @type {Record<string, Command>} */
export const COMMANDS = {
  help: { args: '', help: 'shows all commands', run: help },
  join: {
    args: 'ROOM [KEY]',
    help: 'enters a room, or begins it',
    run: (chat, [name, key]) => {
      if (!name) return 'Which room?';
      chat.open(roomName(name), key);
    },
  },
  leave: {
    args: '[REASON]',
    help: 'leaves this room',
    run: (chat, words, rest) => (chat.active ? chat.leave(chat.active, rest) : NOWHERE),
  },
  me: {
    args: 'WORDS',
    help: 'says what you do',
    run: (chat, words, rest) => {
      if (!chat.active) return NOWHERE;
      if (!rest) return 'What do you do?';
      chat.act(chat.active, rest);
    },
  },
  msg: {
    args: 'NAME [WORDS]',
    help: 'speaks to one person',
    run: (chat, [name], rest) => {
      if (!name || isRoom(name)) return 'To whom?';
      chat.open(name);
      const said = rest.slice(name.length).trim();
      if (said) chat.say(chat.room(name), said);
    },
  },
  name: {
    args: 'NAME',
    help: 'changes your name',
    run: (chat, [name]) => (name ? void chat.rename(name) : 'Which name?'),
  },
  topic: {
    args: '[WORDS]',
    help: 'sets what the room is about; - removes it',
    run: inRoom((chat, room, words, rest) => {
      if (rest) chat.client.send('TOPIC', room.name, rest === '-' ? '' : rest);
      else chat.note(room, room.topic ? `The topic is: ${room.topic}` : 'There is no topic');
    }),
  },
  rooms: { args: '', help: 'lists the rooms that there are', run: (chat) => void listRooms(chat) },
  invite: {
    args: 'NAME',
    help: 'invites somebody to this room',
    run: inRoom((chat, room, [name]) => (name ? chat.client.send('INVITE', name, room.name) : 'Whom?')),
  },
  kick: {
    args: 'NAME [REASON]',
    help: 'puts somebody out of this room',
    run: inRoom((chat, room, [name, ...why]) =>
      name ? chat.client.send('KICK', room.name, name, ...(why.length ? [why.join(' ')] : [])) : 'Whom?'),
  },
  ban: {
    args: '[MASK]',
    help: 'keeps out whom the mask matches, as in bob!*@*; alone lists them',
    run: inRoom((chat, room, [mask]) => chat.client.send('MODE', room.name, '+b', ...(mask ? [mask] : []))),
  },
  unban: {
    args: 'MASK',
    help: 'ends a ban',
    run: inRoom((chat, room, [mask]) => (mask ? chat.client.send('MODE', room.name, '-b', mask) : 'Which mask?')),
  },
  op: role('+o', 'makes somebody an operator of this room'),
  deop: role('-o', 'ends that'),
  voice: role('+v', 'lets somebody speak in a moderated room'),
  devoice: role('-v', 'ends that'),
  mode: {
    args: '[CHANGES]',
    help: 'shows or changes the modes of this room',
    run: inRoom((chat, room, words) => chat.client.send('MODE', room.name, ...words)),
  },
  whois: {
    args: 'NAME',
    help: 'tells about somebody',
    run: (chat, [name]) => (name ? chat.client.send('WHOIS', name) : 'Who?'),
  },
  away: {
    args: '[REASON]',
    help: 'tells others that you are away',
    run: (chat, words, rest) => chat.client.send('AWAY', rest || 'away'),
  },
  back: { args: '', help: 'tells them that you are back', run: (chat) => chat.client.send('AWAY') },
  quit: { args: '[REASON]', help: 'leaves the conversation', run: (chat, words, rest) => chat.quit(rest) },
};

const ALIASES = { j: 'join', part: 'leave', close: 'leave', query: 'msg', w: 'msg', nick: 'name', list: 'rooms' };

/** Whether a text is a command; one that begins with two slashes is not. */
export function isCommand(text) {
  return /^\/(?!\/)/.test(text);
}

/** Carries a command out. Returns why it cannot be done. */
export function run(chat, text) {
  const [, word = '', rest = ''] = /^\/(\S*)\s*(.*)$/s.exec(text) ?? [];
  const name = ALIASES[word.toLowerCase()] ?? word.toLowerCase();
  if (!Object.hasOwn(COMMANDS, name)) return `There is no command /${word}. /help shows those that there are.`;
  const isLocal = ['help', 'leave', 'quit', 'msg', 'me'].includes(name);
  if (!isLocal && !chat.client.registered) return 'There is no connection now.';
  return COMMANDS[name].run(chat, rest.split(/\s+/).filter(Boolean), rest.trim()) || undefined;
}

/** Returns the commands that a text may become, with their parameters and what they do. */
export function hints(text) {
  const [, word, space] = /^\/([a-z]*)(\s?)/i.exec(text) ?? [];
  if (word === undefined || !isCommand(text)) return [];
  const name = word.toLowerCase();
  const fits = (it) => (space ? it === (ALIASES[name] ?? name) : it.startsWith(name));
  return Object.entries(COMMANDS).filter(([it]) => fits(it)).map(([it, { args, help: does }]) => ({ name: it, args, does }));
}

/** Returns the name of a room as IRC has it. */
export function roomName(text) {
  const name = text.trim().replace(/\s+/g, '-');
  return isRoom(name) ? name : `#${name}`;
}

function help(chat) {
  for (const [name, { args, help: does }] of Object.entries(COMMANDS)) {
    chat.note(chat.active, `/${name}${args && ` ${args}`}: ${does}`);
  }
}

async function listRooms(chat) {
  const lines = (await chat.client.ask('LIST').answer) ?? [];
  const rooms = lines.filter(({ command }) => command === '322').slice(0, 200);
  for (const { params: [, name, count, topic] } of rooms) {
    chat.note(chat.active, `${name}, ${count} here${topic ? `: ${topic}` : ''}`);
  }
  if (!rooms.length) chat.note(chat.active, 'There are no rooms to see');
}
