const MAX_KEPT = 10_000;
const MAX_CHANGES = 50;

export class Log {
	#entries = [];
	#ids = new Set();
	#before = {};
	changed = new Set();
	first = 0;
	complete = false;
	unreadFrom = -1;

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

function keyOf({ nick, id, text, time, changes, kind }) {
	if (!changes && kind !== 'note') return nick ? id : `${time} ${text}`;
}

export function summary(changes) {
	const people = new Map();
	for (const { what, nick, to, why } of changes) {
		const { was = what !== 'join', first = nick } = people.get(nick) ?? {};
		people.delete(nick);
		people.set(to ?? nick, { was, first, why, is: what !== 'leave' });
	}
	const told = new Map();
	for (const [nick, { was, is, first, why }] of people) {
		let what = is ? 'joined' : 'came and went';
		if (was) what = !is ? 'left' : first === nick ? 'came back' : `is now ${nick}`;
		const name = was && is ? first : nick;
		told.set(what, [...(told.get(what) ?? []), was && !is && why ? `${name} (${why})` : name]);
	}
	return [...told].map(([what, nicks]) => `${list(nicks)} ${what}`).join('; ');
}

function list(names) {
	if (names.length > 6) names = [...names.slice(0, 5), `${names.length - 5} others`];
	return names.join(', ').replace(/, ([^,]*)$/, ' and $1');
}
