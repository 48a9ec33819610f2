// What was said in a room, as far as the page keeps it. An entry's number does not change.
//
// Entries have `kind` (said, acted, noticed, presence, note), `time` in milliseconds, `id` (msgid), `nick`, `text`, `own`,
// `mention` (it names us), `bad` (of notes: something failed); those of presence have `changes` instead of text.

/** How many entries are kept, older ones can be asked for again; and how many joins and leaves make one entry. */
const MAX_KEPT = 10_000;
const MAX_CHANGES = 50;

export class Log {
	#entries = [];
	#ids = new Set();
	/** Where the line before came from, and its id: a long message is several lines. */
	#before = {};
	/** Numbers of entries that have changed since they were shown. */
	changed = new Set();
	/** The number of the oldest entry. */
	first = 0;
	/** Whether there is nothing older to ask for. */
	complete = false;
	/** The entry with which the unread ones begin. */
	unreadFrom = -1;

	/** The number that the next entry gets. */
	get end() {
		return this.first + this.#entries.length;
	}

	at(number) {
		return this.#entries[number - this.first];
	}

	newestId() {
		return this.#entries.findLast(({ id }) => id)?.id;
	}

	oldestId() {
		return this.#entries.find(({ id }) => id)?.id;
	}

	/** Adds an entry at the end. Returns whether there is a new one: not if it is there already, or part of the last. */
	append(entry, stream = 'live') {
		const last = this.#entries.at(-1);
		const key = keyOf(entry);
		const before = this.#before;
		this.#before = { stream, key };
		if (key && this.#ids.has(key)) {
			if (before.key !== key || before.stream !== stream || keyOf(last) !== key || !entry.nick) return false;
			last.text += entry.text;
		} else if (last?.changes && entry.changes && last.changes.length < MAX_CHANGES) {
			last.changes.push(...entry.changes);
		} else {
			if (key) this.#ids.add(key);
			this.#entries.push(entry);
			// Many at a time, since each time all of them are moved.
			if (this.#entries.length > MAX_KEPT + 100) this.#forget(100);
			return true;
		}
		this.changed.add(this.end - 1);
		return false;
	}

	/** Adds older entries before all others. Returns whether there is room for them. */
	prepend(entries) {
		const page = new Log();
		for (const entry of entries) if (!this.#ids.has(keyOf(entry))) page.append(entry);
		if (page.end + this.#entries.length > MAX_KEPT) return false;
		this.#entries.unshift(...page.#entries);
		for (const id of page.#ids) this.#ids.add(id);
		this.changed.add(this.first);
		this.first -= page.end;
		return page.end > 0;
	}

	setUnreadFrom(number) {
		this.changed.add(this.unreadFrom).add(number);
		this.unreadFrom = number;
	}

	#forget(count) {
		for (const entry of this.#entries.splice(0, count)) this.#ids.delete(keyOf(entry));
		this.first += count;
		this.complete = false;
	}
}

/** What tells messages apart. Those of the server itself have an id in the history and none live. */
function keyOf({ nick, id, text, time, changes, kind }) {
	if (!changes && kind !== 'note') return nick ? id : `${time} ${text}`;
}

/** Says what changes of presence come to. */
export function summary(changes) {
	const people = new Map();
	for (const { what, nick, to, why } of changes) {
		const { was = what !== 'join', first = nick } = people.get(nick) ?? {};
		people.delete(nick);
		people.set(to ?? nick, { was, first, why, is: what !== 'leave' });
	}
	const said = { joined: [], left: [], 'came and went': [], 'left and came back': [] };
	const renamed = [];
	for (const [nick, { was, is, first, why }] of people) {
		if (was && is && first !== nick) renamed.push(`${first} is now ${nick}`);
		else if (was) said[is ? 'left and came back' : 'left'].push(!is && why ? `${nick} (${why})` : nick);
		else said[is ? 'joined' : 'came and went'].push(nick);
	}
	const parts = Object.entries(said).map(([what, nicks]) => nicks.length && `${list(nicks)} ${what}`);
	return [...parts, ...renamed].filter(Boolean).join('; ');
}

function list(names) {
	if (names.length > 6) names = [...names.slice(0, 5), `${names.length - 5} others`];
	return names.join(', ').replace(/, ([^,]*)$/, ' and $1');
}
