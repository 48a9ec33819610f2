import { fold, isRoom, timeOf } from './irc.js';
import { plain } from './text.js';

const KEPT_OUT = {
	405: 'you are in as many rooms as one may be in',
	471: 'it is full',
	473: 'only who is invited may enter',
	474: 'you are banned there',
	475: 'it has a key. Write /join ROOM KEY',
};

const ANSWERS = /^(301|305|306|311|317|319|324|335|341|367)$/;

const MISSED = /^you were too slow and missed \d+ message/;

const HANDLERS = {
	'001': (chat, { params: [me] }) => (chat.me = me),

	JOIN(chat, { nick, params: [name], tags }, room) {
		if (!chat.isMe(nick)) {
			room?.put(nick);
			return presence(chat, room, tags, { what: 'join', nick });
		}
		room = chat.begin(name);
		Object.assign(room, { joined: true, wanted: true, held: [], topic: '' });
		room.people.clear();
		chat.on.changed('rooms');
		chat.on.changed('topic', room);
		if (chat.opening !== room.key && chat.active) return;
		chat.opening = '';
		chat.show(room);
	},

	PART(chat, { nick, params: [, why], tags }, room) {
		if (room && chat.isMe(nick)) return chat.forget(room);
		room?.remove(nick);
		presence(chat, room, tags, { what: 'leave', nick, why });
	},

	QUIT(chat, { nick, params: [why], tags }) {
		for (const room of chat.rooms.values()) {
			if (room.remove(nick)) presence(chat, room, tags, { what: 'leave', nick, why });
		}
	},

	NICK(chat, { nick, params: [to], tags }) {
		const isMe = chat.isMe(nick);
		if (isMe) chat.me = chat.wantedName = to;
		for (const room of [...chat.rooms.values()]) {
			const person = room.people.get(fold(nick));
			if (!person) continue;
			room.remove(nick);
			room.people.set(fold(to), { ...person, nick: to });
			if (room.isPrivate && !chat.room(to)) {
				chat.rooms.delete(room.key);
				room.name = to;
				chat.rooms.set(room.key, room);
				chat.on.changed('rooms');
			}
			presence(chat, room, tags, { what: 'rename', nick, to });
		}
		if (isMe) chat.on.changed('name');
	},

	KICK(chat, { nick, params: [name, whom, why = ''] }, room) {
		if (!room) return;
		const isMe = chat.isMe(whom);
		room.remove(whom);
		if (isMe) Object.assign(room, { joined: false, wanted: false, held: null });
		chat.note(room, `${nick} put ${isMe ? 'you' : whom} out of ${name} (${why})`, isMe);
		chat.on.changed('rooms');
		chat.on.changed('people', room);
	},

	AWAY(chat, { nick, params: [why] }) {
		for (const room of chat.rooms.values()) {
			const person = room.people.get(fold(nick));
			if (person) person.away = Boolean(why);
			chat.on.changed('people', room);
		}
	},

	TOPIC(chat, { nick, params: [, topic] }, room) {
		if (!room) return;
		chat.note(room, topic ? `${nick} set the topic: ${plain(topic)}` : `${nick} removed the topic`);
		setTopic(chat, room, topic);
	},

	MODE(chat, { nick, params: [name, ...changes] }, room) {
		if (!room) return;
		chat.note(room, `${nick} set ${changes.join(' ')}`);
		// Who has which role now?
		if (/[ov]/.test(changes[0])) chat.client.send('NAMES', name);
	},

	ERROR: (chat, { params: [why] }) => chat.on.ended(why),

	KILL: (chat, { nick, params: [, why] }) => chat.on.refused(`${nick} has put you out of the chat: ${why}`),

	INVITE: (chat, { nick, params: [whom, name] }) => chat.note(chat.active, `${nick} invites ${whom} to ${name}`),

	PRIVMSG: message,
	NOTICE: message,

	332: (chat, { params: [, , topic] }, room) => room && setTopic(chat, room, topic),

	353(chat, { params: [, , , names] }, room) {
		for (const [, signs, nick] of names.matchAll(/([@+]*)([^ ]+)/g)) room?.put(nick, signs);
	},

	366(chat, _, room) {
		if (!room) return;
		chat.on.changed('people', room);
		if (room.held) chat.catchUp(room);
	},
};

export function handle(chat, line, label, isAsked) {
	const { command, params } = line;
	// Whoever has asked looks at the answer; 301 comes with the echo of a message.
	if (/^[2-9]|FAIL|NOTE/.test(command) && command !== '301' && isAsked) return;
	const room = chat.room(params.find(isRoom) ?? '');
	if (HANDLERS[command]) return HANDLERS[command](chat, line, room, label);
	const told = params.slice(/^\d/.test(command) ? 1 : 0).join(' ');
	if (ANSWERS.test(command)) chat.note(chat.active, told);
	else if (KEPT_OUT[command] && !room?.joined) {
		if (room) room.wanted = false;
		chat.kept.delete(params[1]);
		chat.note(room, `You cannot enter ${params[1]}: ${KEPT_OUT[command]}.`, true);
	} else if (/^[45]|FAIL|WARN/.test(command) && command !== '422') chat.on.alert(told);
}

function message(chat, line, room, label) {
	const { nick, isPerson, params: [target, text = ''] } = line;
	if (/^\x01(?!ACTION )/.test(text)) return;
	const isOwn = chat.isMe(nick);
	if (!isRoom(target)) {
		if (!isPerson) return chat.note(chat.active, plain(text));
		room = chat.begin(isOwn ? target : nick);
	}
	if (!room) return;
	if (!isPerson && MISSED.test(text)) return room.held || chat.catchUp(room);
	chat.confirm(room, label);
	chat.add(room, chat.entryOf(line));
}

function presence(chat, room, tags, change) {
	if (!room) return;
	chat.add(room, { kind: 'presence', time: timeOf(tags), changes: [{ ...change, why: plain(change.why ?? '') }] });
	chat.on.changed('people', room);
}

function setTopic(chat, room, topic = '') {
	room.topic = plain(topic);
	chat.on.changed('topic', room);
}
