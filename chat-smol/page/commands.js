import { isRoom } from './irc.js';

const KEYS = 'Tab completes, ↑ recalls, PageUp scrolls, Esc shows the newest, Alt+↓ changes rooms, // sends one /';

const here = (command, params) => ({ client, active }, words, rest) => {
	if (!active || active.isPrivate) return 'This is not a room';
	client.send(command, ...params(active.name, words, rest));
};

// Each with what stands behind its name, what it does, and how; that returns what is wrong.
const COMMANDS = {
	help: ['', 'shows all commands', (chat) => {
		for (const [name, [args, help]] of Object.entries(COMMANDS)) {
			chat.note(chat.active, `/${name}${args && ' '}${args}: ${help}`);
		}
		chat.note(chat.active, KEYS);
	}],
	join: ['ROOM [KEY]', 'enters a room, or begins it', (chat, [name, key]) => {
		if (!name) return 'Which room?';
		chat.open(roomName(name), key);
	}],
	leave: ['[REASON]', 'leaves this room', (chat, _, why) => chat.active && chat.leave(chat.active, why)],
	me: ['WORDS', 'says what you do', (chat, _, text) => {
		if (!chat.active || !text) return 'What do you do?';
		chat.say(chat.active, text, true);
	}],
	msg: ['NAME [WORDS]', 'speaks to one person', (chat, [name], rest) => {
		if (!name || isRoom(name)) return 'To whom?';
		chat.open(name);
		const said = rest.slice(name.length).trim();
		if (said) chat.say(chat.room(name), said);
	}],
	name: ['NAME', 'changes your name', (chat, [name]) => (name ? chat.client.send('NICK', name) : 'Which name?')],
	topic: ['[WORDS]', 'says what this room is about', here('TOPIC', (room, _, topic) => [room, topic])],
	rooms: ['', 'lists all rooms', async (chat) => {
		for (const { command, params: [, name, count, topic] } of (await chat.client.ask('LIST').answer) ?? []) {
			if (command === '322') chat.note(chat.active, `${name}, ${count} here${topic && `: ${topic}`}`);
		}
	}],
	invite: ['NAME', 'invites somebody to this room', here('INVITE', (room, [name = '']) => [name, room])],
	kick: ['NAME [REASON]', 'puts somebody out of this room', here('KICK', (room, [name = '', ...why]) =>
		[room, name, why.join(' ')])],
	mode: ['[CHANGES]', 'as in +o NAME, or +b MASK for a ban', here('MODE', (room, changes) => [room, ...changes])],
	whois: ['NAME', 'tells about somebody', ({ client }, [name = '']) => client.send('WHOIS', name)],
	away: ['[REASON]', 'says that you are away, or that you are back', ({ client }, _, why) => client.send('AWAY', why)],
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
	return Object.entries(COMMANDS).filter(([name]) => fits(name));
}

export function roomName(text) {
	const name = text.trim().replace(/\s+/g, '-');
	return isRoom(name) ? name : `#${name}`;
}
