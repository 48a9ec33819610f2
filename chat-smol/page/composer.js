import { hints, isCommand, run } from './commands.js';
import { byId, element, on } from './dom.js';
import { fold } from './irc.js';
import { browser } from './kept.js';

const MAX_RECALLED = 100;
const MAX_LINES = 8;

export class Composer {
	#field = byId('message');
	#room = null;
	#drafts = browser.get('drafts', {});
	#said = [];
	#recalled = null;
	#completing = null;

	constructor(chat, alert) {
		Object.assign(this, { chat, alert });
		this.#field.addEventListener('input', () => {
			this.#completing = this.#recalled = null;
			this.#fit();
			this.keep();
		});
		this.#field.addEventListener('keydown', (event) => this.#key(event));
		on('compose', 'submit', () => this.#submit());
		addEventListener('visibilitychange', () => this.keep());
	}

	focus() {
		this.#field.focus();
	}

	show(room) {
		this.keep();
		this.#room = room;
		this.#field.disabled = !room;
		this.#set(this.#drafts[room?.key] ?? '');
		this.#recalled = null;
	}

	keep() {
		if (this.#room) this.#drafts[this.#room.key] = this.#recalled?.draft ?? this.#field.value;
		const drafts = { ...this.#drafts };
		for (const { key, outgoing } of this.chat.rooms.values()) {
			const unsent = outgoing.filter(({ state }) => state !== 'sent').map(({ text }) => text);
			drafts[key] = [...unsent, drafts[key]].filter(Boolean).join('\n') || undefined;
		}
		browser.set('drafts', drafts);
	}

	#set(text, caret = text.length) {
		this.#field.value = text;
		this.#field.setSelectionRange(caret, caret);
		this.#fit();
	}

	#fit() {
		const field = this.#field;
		field.rows = 1;
		const { lineHeight, paddingTop } = getComputedStyle(field);
		field.rows = Math.min(MAX_LINES, (field.scrollHeight - 2 * parseFloat(paddingTop)) / parseFloat(lineHeight));
		const found = isCommand(field.value) ? hints(field.value) : [];
		byId('hints').hidden = !found.length;
		byId('hints').replaceChildren(
			...found.map(([name, [args, help]]) => element('li', {}, element('b', {}, `/${name} ${args}`), ` ${help}`)),
		);
	}

	#key(event) {
		const { key, shiftKey, altKey, ctrlKey, metaKey, isComposing } = event;
		if (isComposing || shiftKey || altKey || ctrlKey || metaKey) return;
		const does = {
			Enter: () => !void this.#submit(),
			Tab: () => this.#complete(),
			ArrowUp: () => this.#recall(1),
			ArrowDown: () => this.#recall(-1),
		};
		if (does[key]?.()) event.preventDefault();
	}

	async #submit() {
		const room = this.#room;
		const text = this.#field.value.replace(/^\n+|\s+$/g, '');
		if (!text) return;
		let lines = text.split('\n').filter((line) => line.trim());
		const { length } = lines;
		if (length > 1 && !(await confirmed(`Send ${length} lines as ${length} messages?`))) return this.focus();
		if (room !== this.#room) return;
		if (length === 1 && isCommand(text)) {
			const why = run(this.chat, text);
			if (why) return this.alert(why);
			lines = [];
		}
		this.alert('');
		this.#said = [...this.#said, text].slice(-MAX_RECALLED);
		this.#completing = this.#recalled = null;
		// A command may have brought us to another room, whose draft stays.
		if (room === this.#room) this.#set('');
		else delete this.#drafts[room.key];
		for (const line of lines) this.chat.say(room, line.replace(/^\/\//, '/'));
		this.keep();
		this.focus();
	}

	#recall(step) {
		const { value, selectionStart: caret } = this.#field;
		const place = (this.#recalled?.place ?? 0) + step;
		const beyond = step > 0 ? value.slice(0, caret) : value.slice(caret);
		if (beyond.includes('\n') || place < 0 || place > this.#said.length) return false;
		const draft = this.#recalled?.draft ?? value;
		this.#recalled = place ? { place, draft } : null;
		this.#set(place ? this.#said.at(-place) : draft);
		return true;
	}

	#complete() {
		const { value, selectionStart: caret } = this.#field;
		this.#completing ??= this.#candidates(value.slice(0, caret), value.slice(caret));
		const { before, after, names, next } = this.#completing;
		if (!names.length) return (this.#completing = null);
		const text = before + names[next % names.length];
		this.#completing.next++;
		this.#set(text + after, text.length);
		return true;
	}

	#candidates(text, after) {
		const before = text.replace(/\S+$/, '');
		const word = fold(text.slice(before.length));
		let names = this.#room.sorted().map(({ nick }) => nick + (before ? ' ' : ': '));
		if (!before) names.push(...hints(word).map(([name]) => `/${name} `));
		names.push(...this.chat.sorted().map(({ name }) => `${name} `));
		names = names.filter((name) => word && fold(name).startsWith(word));
		return { before, after, names, next: 0 };
	}
}

function confirmed(question) {
	const dialog = byId('several');
	byId('question').textContent = question;
	dialog.returnValue = '';
	dialog.showModal();
	// It may be open again by then.
	return new Promise((done) => (dialog.onclose = () => dialog.open || done(dialog.returnValue)));
}
