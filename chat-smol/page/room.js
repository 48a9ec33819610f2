import { fold, isRoom } from './irc.js';
import { Log } from './log.js';

const COLLATOR = new Intl.Collator(undefined, { numeric: true });

export class Room {
	joined = false;
	wanted = true;
	topic = '';
	people = new Map();
	log = new Log();
	unread = 0;
	mentions = 0;
	outgoing = [];
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

	put(nick, signs = '') {
		this.people.set(fold(nick), { away: false, ...this.people.get(fold(nick)), nick, signs });
	}

	remove(nick) {
		return this.people.delete(fold(nick));
	}

	sorted() {
		const rank = ({ signs }) => ['@', '+', ''].indexOf(signs.slice(0, 1));
		return [...this.people.values()].sort((a, b) => rank(a) - rank(b) || COLLATOR.compare(a.nick, b.nick));
	}
}
