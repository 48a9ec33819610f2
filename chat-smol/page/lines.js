// What each line of the server does to the conversation.

import { fold, isRoom, timeOf } from './irc.js';
import { plain } from './text.js';

const KEPT_OUT = /^(403|405|47[13-6])$/;

const ANSWERS = /^(301|305|306|311|317|319|324|335|341|367)$/;

const MISSED = /^you were too slow and missed \d+ message/;

const HANDLERS = {
	'001': (chat, { params: [me] }) => {
		chat.me = me;
	},

	JOIN(chat, { nick, params: [name], tags }) {
		if (!chat.isMe(nick)) {
			chat.room(name)?.put(nick);
			return presence(chat, chat.room(name), tags, { what: 'join', nick });
		}
		const room = chat.begin(name);
		Object.assign(room, { joined: true, wanted: true, held: [], topic: '' });
		room.people.clear();
		chat.on.changed('rooms');
		chat.on.changed('topic', room);
		if (chat.opening !== room.key && chat.active) return;
		chat.opening = '';
		chat.show(room);
	},

	PART(chat, { nick, params: [name, why], tags }) {
		const room = chat.room(name);
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
		if (isMe) chat.me = to;
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

	KICK(chat, { nick, params: [name, whom, why = ''] }) {
		const room = chat.room(name);
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

	TOPIC(chat, { nick, params: [name, topic] }) {
		chat.note(chat.room(name), topic ? `${nick} set the topic: ${plain(topic)}` : `${nick} removed the topic`);
		setTopic(chat, name, topic);
	},

	MODE(chat, { nick, params: [name, ...changes] }) {
		const room = chat.room(name);
		if (!room) return;
		chat.note(room, `${nick} set ${changes.join(' ')}`);
		// Who has which role now?
		if (/[ov]/.test(changes[0])) chat.client.send('NAMES', name);
	},

	INVITE(chat, { nick, params: [whom, name] }) {
		chat.note(chat.active, `${nick} invites ${whom} to ${name}`);
	},

	PRIVMSG: message,
	NOTICE: message,

	332: (chat, { params: [, name, topic] }) => setTopic(chat, name, topic),

	353(chat, { params: [, , name, names] }) {
		for (const [, signs, nick] of names.matchAll(/([@+]*)([^ ]+)/g)) chat.room(name)?.put(nick, signs);
	},

	366(chat, { params: [, name] }) {
		const room = chat.room(name);
		if (!room) return;
		chat.on.changed('people', room);
		if (room.held) chat.catchUp(room);
	},
};

export function handle(chat, line, label) {
	const { command, params } = line;
	// Whoever has asked looks at the answer; 301 comes with the echo of a message.
	if (/^[2-9]|FAIL|NOTE/.test(command) && command !== '301' && chat.client.isAsked(label)) return;
	if (HANDLERS[command]) return HANDLERS[command](chat, line, label);
	const [, about = ''] = params;
	const told = params.slice(/^\d/.test(command) ? 1 : 0).join(' ');
	const room = chat.room(about);
	if (ANSWERS.test(command)) chat.note(chat.active, told);
	else if (KEPT_OUT.test(command) && room && !room.joined) {
		room.wanted = false;
		chat.note(room, `You cannot enter ${told}`, true);
	} else if (/^[45]|FAIL|WARN/.test(command) && command !== '422') chat.on.alert(told);
}

function message(chat, line, label) {
	const { nick, isPerson, params: [target, text = ''] } = line;
	if (/^\x01(?!ACTION )/.test(text)) return;
	const isOwn = chat.isMe(nick);
	let room = chat.room(target);
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

function setTopic(chat, name, topic = '') {
	const room = chat.room(name);
	if (!room) return;
	room.topic = plain(topic);
	chat.on.changed('topic', room);
}
