import { Client } from './client.js';
import { catchUp, older } from './history.js';
import { actionOf, fold, isRoom, split, timeOf } from './irc.js';
import { handle } from './lines.js';
import { Room } from './room.js';
import { mentions } from './text.js';

export const LOBBY = '#lobby';

const RENAME_INTERVAL = 10_000;

export class Chat {
	me = '';
	wantedName = '';
	password = '';
	hasEntered = false;
	rooms = new Map();
	kept = new Map();
	active = null;
	opening = '';
	#renaming;
	#keys = {};
	#tries = 0;

	constructor(write, on) {
		this.on = on;
		this.client = new Client(write, {
			...on,
			line: (...it) => handle(this, ...it),
			registered: () => this.#registered(),
			refused: (why) => {
				if (!this.hasEntered) return on.refused(`${this.wantedName}: ${why}`);
				return ++this.#tries < 20 && `${[...this.wantedName].slice(0, 24).join('')}_${this.#tries}`;
			},
		});
	}

	opened() {
		this.#tries = 0;
		this.client.register(this.wantedName, this.password);
	}

	lost() {
		clearInterval(this.#renaming);
		for (const room of this.rooms.values()) {
			room.joined = false;
			for (const it of room.outgoing) if (it.state === 'sent') it.state = 'unsure';
		}
		this.client.close();
	}

	#registered() {
		this.hasEntered = true;
		for (const room of this.rooms.values()) {
			if (room.isPrivate) this.#settle(room);
			else if (room.wanted) this.#join(room.name);
		}
		const regain = () => this.me === this.wantedName || this.client.ask('NICK', this.wantedName);
		this.#renaming = setInterval(regain, RENAME_INTERVAL);
		this.on.changed('name');
	}

	quit(why = '') {
		this.client.send('QUIT', why);
		this.on.refused('');
	}

	isMe(nick) {
		return fold(nick) === fold(this.me);
	}

	room(name) {
		return this.rooms.get(fold(name));
	}

	begin(name) {
		let room = this.room(name);
		if (room) return room;
		room = new Room(name);
		if (room.isPrivate) room.put(name);
		room.log.complete = room.isPrivate;
		room.readTo = this.kept.get(name);
		this.rooms.set(room.key, room);
		this.on.changed('rooms');
		return room;
	}

	open(name, key) {
		const room = isRoom(name) ? this.room(name) : this.begin(name);
		if (room) this.show(room);
		if (room?.joined || !isRoom(name)) return;
		this.opening = fold(name);
		if (room) room.wanted = true;
		this.#join(name, key);
	}

	#join(name, key = this.#keys[fold(name)] ?? '') {
		this.#keys[fold(name)] = key;
		this.client.send('JOIN', name, key);
	}

	show(room) {
		if (room === this.active) return;
		this.active = room;
		this.on.changed('active');
	}

	leave(room, why = '') {
		if (room.joined) this.client.send('PART', room.name, why);
		else this.forget(room);
	}

	forget(room) {
		const order = this.sorted();
		const index = order.indexOf(room);
		this.rooms.delete(room.key);
		this.kept.delete(room.name);
		if (room === this.active) this.show(order[index + 1] ?? order[index - 1] ?? null);
		this.on.changed('rooms');
	}

	sorted() {
		const rank = ({ key }) => (key === LOBBY ? '' : key);
		return [...this.rooms.values()].sort((a, b) => (rank(a) < rank(b) ? -1 : 1));
	}

	read(room) {
		if (!room.unread) return;
		room.unread = room.mentions = 0;
		room.readTo = room.log.newestId();
		this.on.changed('rooms');
	}

	entryOf({ nick, isPerson, command, params: [, words = ''], tags }) {
		const action = actionOf(words);
		const text = action ?? words;
		const own = isPerson && this.isMe(nick);
		return {
			kind: action !== undefined ? 'acted' : command === 'NOTICE' ? 'noticed' : 'said',
			time: timeOf(tags),
			id: tags.get('msgid'),
			nick: isPerson ? nick : '',
			text,
			own,
			mention: isPerson && !own && mentions(text, this.me),
		};
	}

	add(room, entry) {
		if (room.held) room.held.push(entry);
		else this.#append(room, entry, 'live', true);
	}

	note(room, text, bad) {
		if (room) this.#append(room, { kind: 'note', time: Date.now(), text, bad });
		else this.on.alert(text);
	}

	#append(room, entry, stream, isNew) {
		const same = (it) => it.state === 'unsure' && it.text === entry.text;
		if (entry.own) remove(room.outgoing, room.outgoing.find(same));
		if (room.log.append(entry, stream) && isNew && entry.nick && !entry.own) this.#count(room, entry);
		if (!room.unread) room.readTo = entry.id ?? room.readTo;
		this.on.changed('log', room);
	}

	#count(room, entry) {
		const isForUs = entry.mention || room.isPrivate;
		if (isForUs) this.on.mentioned(room, entry);
		if (this.on.isRead(room)) return;
		if (!room.unread) room.log.setUnreadFrom(room.log.end - 1);
		room.unread++;
		if (isForUs) room.mentions++;
		this.on.changed('rooms');
	}

	async catchUp(room) {
		const held = (room.held ??= []);
		const show = (lines, isAfter) => {
			if (room.held !== held) return;
			const entries = lines.map((it) => this.entryOf(it));
			const read = isAfter ? -1 : entries.findIndex(({ id }) => id === room.readTo);
			const isNew = isAfter || room.readTo;
			for (const [index, entry] of entries.entries()) this.#append(room, entry, 'page', isNew && index > read);
		};
		await catchUp(this.client, room, show, (text) => this.note(room, text, true));
		// The connection may have been lost and made anew meanwhile.
		if (room.held !== held) return;
		room.held = null;
		for (const entry of held) this.add(room, entry);
		this.#settle(room);
		this.on.changed('log', room);
	}

	async older(room) {
		if (room.log.complete || room.asksOlder || !room.joined || room.held) return;
		room.asksOlder = true;
		const lines = await older(this.client, room);
		room.asksOlder = false;
		if (!lines) return;
		room.log.complete = !room.log.prepend(lines.map((it) => this.entryOf(it)));
		this.on.changed('log', room);
	}

	say(room, said, isAction = false) {
		for (const text of split(said, this.me, room.name)) {
			const it = { text, isAction, time: Date.now(), nick: this.me };
			room.outgoing.push(it);
			this.send(room, it);
		}
		room.log.setUnreadFrom(-1);
	}

	async send(room, it) {
		Object.assign(it, { state: 'waiting', why: '' });
		this.on.changed('log', room);
		if (!this.client.registered || room.held || (room.wanted && !room.joined && !room.isPrivate)) return;
		const text = it.isAction ? `\x01ACTION ${it.text}\x01` : it.text;
		const { label, answer } = this.client.ask('PRIVMSG', room.name, text);
		Object.assign(it, { state: 'sent', label });
		const lines = await answer;
		if (!lines || it.label !== label || !room.outgoing.includes(it)) return;
		const refusal = lines.find(({ command }) => /^[45]|FAIL/.test(command));
		this.#fail(room, it, refusal?.params.at(-1) ?? 'It was not confirmed.');
	}

	#fail(room, it, why) {
		Object.assign(it, { state: 'failed', why });
		this.on.changed('log', room);
	}

	drop(room, it) {
		remove(room.outgoing, it);
		this.on.changed('log', room);
	}

	confirm(room, label) {
		if (label) remove(room.outgoing, room.outgoing.find((it) => it.label === label));
	}

	#settle(room) {
		for (const it of [...room.outgoing]) {
			if (it.state === 'waiting') this.send(room, it);
			else if (it.state === 'unsure') {
				this.#fail(room, it, `The connection was lost${room.isPrivate ? '; perhaps it has arrived' : ''}.`);
			}
		}
	}
}

function remove(list, it) {
	if (it) list.splice(list.indexOf(it), 1);
}
