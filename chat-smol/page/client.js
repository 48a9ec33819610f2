import { format, parse } from './irc.js';

// The server that has this page has all of these.
const CAPABILITIES =
	'message-tags server-time echo-message batch labeled-response draft/chathistory away-notify multi-prefix ' +
	'standard-replies';

const PATIENCE = 20_000;

export class Client {
	registered = false;
	page = 50;
	#batches = new Map();
	#asked = new Map();
	#labels = 0;

	constructor(write, on) {
		Object.assign(this, { write, on });
	}

	register(name, password) {
		if (password) this.send('PASS', password);
		this.send('CAP', 'REQ', CAPABILITIES);
		this.send('NICK', name);
		this.send('USER', 'web', '0', '*', name);
		this.send('CAP', 'END');
	}

	close() {
		this.registered = false;
		this.#batches.clear();
		for (const label of this.#asked.keys()) this.#answer(label);
	}

	send(...words) {
		this.write(format('', ...words));
	}

	ask(...words) {
		const label = String(++this.#labels);
		const answer = new Promise((done) => this.#asked.set(label, { lines: [], done }));
		setTimeout(() => this.#answer(label), PATIENCE);
		this.write(format(label, ...words));
		return { label, answer };
	}

	receive(text) {
		const line = parse(text);
		const { command, params, tags } = line;
		if (command === 'PING') return this.send('PONG', ...params);
		if (command === 'BATCH') return this.#batch(line);
		if (command === '005') this.page = Number(/ CHATHISTORY=(\d+)/.exec(text)?.[1] ?? this.page);
		if (command === '464' && !this.registered) return this.on.locked();
		if (!this.registered && /^43[1-7]$/.test(command)) {
			const other = this.on.refused(params.at(-1));
			return other && this.send('NICK', other);
		}
		if (!this.registered && (command === '376' || command === '422')) {
			this.registered = true;
			return this.on.registered();
		}
		let label = tags.get('label');
		let isHistory = false;
		for (let batch = this.#batches.get(tags.get('batch')); batch; batch = this.#batches.get(batch.parent)) {
			label ??= batch.label;
			isHistory ||= batch.type === 'chathistory';
		}
		const asked = this.#asked.get(label);
		asked?.lines.push(line);
		if (!isHistory) this.on.line(line, label, asked);
		// A line with a label of its own is the whole answer.
		if (tags.has('label')) this.#answer(label, asked?.lines);
	}

	#batch({ params: [reference = '', type], tags }) {
		const name = reference.slice(1);
		if (reference[0] === '+') {
			return this.#batches.set(name, { type, label: tags.get('label'), parent: tags.get('batch') });
		}
		const label = this.#batches.get(name)?.label;
		this.#batches.delete(name);
		if (label) this.#answer(label, this.#asked.get(label)?.lines);
	}

	#answer(label, lines) {
		const asked = this.#asked.get(label);
		this.#asked.delete(label);
		asked?.done(lines);
	}
}
