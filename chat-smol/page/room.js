// A room, or a conversation with one person.

import { fold, isRoom } from './irc.js';
import { Log } from './log.js';

const COLLATOR = new Intl.Collator(undefined, { numeric: true });

export class Room {
	/** Whether we are in it, and whether we want to be. */
	joined = false;
	wanted = true;
	topic = '';
	/** By folded name: `nick`, `signs` (`@` operator, `+` voice), `away`. */
	people = new Map();
	log = new Log();
	unread = 0;
	mentions = 0;
	/** The message read last, also at the visit before. */
	readId;
	/** What we have said and not seen come back: `text`, `isAction`, `nick`, `time`, `label`, `why`, and as `state`
	 * waiting (for a connection), sent, unsure (since the connection was lost), or failed. */
	outgoing = [];
	/** What is said while the history is asked for. */
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

	/** Everyone: operators first, then those with a voice, by name. */
	sorted() {
		const rank = ({ signs }) => ['@', '+', ''].indexOf(signs.slice(0, 1));
		return [...this.people.values()].sort((a, b) => rank(a) - rank(b) || COLLATOR.compare(a.nick, b.nick));
	}
}
