// What one can write besides messages: /commands.

import { isRoom } from './irc.js';

const here = (run) => (chat, words, rest) => {
	const room = chat.active;
	return !room || room.isPrivate ? 'This is not a room' : run(chat, room, words, rest);
};

const COMMANDS = {
	help: ['', 'shows all commands', (chat) => {
		for (const [name, [args, help]] of Object.entries(COMMANDS)) chat.note(chat.active, `/${name} ${args}: ${help}`);
	}],
	join: ['ROOM [KEY]', 'enters a room, or begins it', (chat, [name, key]) => (name ? chat.open(roomName(name), key) : 'Which room?')],
	leave: ['[REASON]', 'leaves this room', (chat, _, why) => chat.active && chat.leave(chat.active, why)],
	me: ['WORDS', 'says what you do', (chat, _, text) => chat.active && text ? chat.say(chat.active, text, true) : 'What do you do?'],
	msg: ['NAME [WORDS]', 'speaks to one person', (chat, [name], rest) => {
		if (!name || isRoom(name)) return 'To whom?';
		chat.open(name);
		const said = rest.slice(name.length).trim();
		if (said) chat.say(chat.room(name), said);
	}],
	name: ['NAME', 'changes your name', (chat, [name]) => (name ? void chat.rename(name) : 'Which name?')],
	topic: ['WORDS', 'says what this room is about', here((chat, room, _, text) => chat.client.send('TOPIC', room.name, text))],
	rooms: ['', 'lists all rooms', async (chat) => {
		for (const { command, params: [, name, count, topic] } of (await chat.client.ask('LIST').answer) ?? []) {
			if (command === '322') chat.note(chat.active, `${name}, ${count} here${topic && `: ${topic}`}`);
		}
	}],
	invite: ['NAME', 'invites somebody to this room', here((chat, room, [name = '']) => chat.client.send('INVITE', name, room.name))],
	kick: ['NAME [REASON]', 'puts somebody out of this room', here((chat, room, [name = '', ...why]) =>
		chat.client.send('KICK', room.name, name, why.join(' ')))],
	mode: ['[CHANGES]', 'as in +o NAME, or +b MASK for a ban', here((chat, room, words) =>
		chat.client.send('MODE', room.name, ...words))],
	whois: ['NAME', 'tells about somebody', (chat, [name = '']) => chat.client.send('WHOIS', name)],
	away: ['[REASON]', 'says that you are away, or that you are back', (chat, _, why) => chat.client.send('AWAY', why)],
	quit: ['[REASON]', 'leaves the conversation', (chat, _, why) => chat.quit(why)],
};

const ALIASES = { part: 'leave', nick: 'name', list: 'rooms' };

const known = (word) => ALIASES[word.toLowerCase()] ?? word.toLowerCase();

export const isCommand = (text) => /^\/(?!\/)/.test(text);

export function run(chat, text) {
	const [, word, rest] = /^\/(\S*)\s*(.*)$/s.exec(text);
	const name = known(word);
	if (!Object.hasOwn(COMMANDS, name)) return `There is no command /${word}; /help lists them.`;
	if (!chat.client.registered && !/help|leave|me|quit/.test(name)) return 'There is no connection.';
	const why = COMMANDS[name][2](chat, rest.split(/\s+/).filter(Boolean), rest.trim());
	return typeof why === 'string' && why;
}

export function hints(text) {
	const [, word, space] = /^\/([a-z]*)(\s?)/i.exec(text) ?? [];
	const fits = (it) => word !== undefined && (space ? it === known(word) : it.startsWith(word.toLowerCase()));
	return Object.entries(COMMANDS).filter(([name]) => fits(name)).map(([name, [args, help]]) => [name, args, help]);
}

export function roomName(text) {
	const name = text.trim().replace(/\s+/g, '-');
	return isRoom(name) ? name : `#${name}`;
}
