// A WebSocket that comes back by itself. Each message is a line of IRC.

// All in milliseconds. After so much silence the server is asked whether it is there, and may take so long to answer;
// less if the network may have changed.
const SILENCE = 30_000;
const PATIENCE = 10_000;
const PROBE_PATIENCE = 4_000;

const FIRST_WAIT = 500;
const LONGEST_WAIT = 30_000;

export const waitAfter = (attempt, random) => Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** attempt) * (0.5 + random);

export class Connection {
	#socket;
	#timer;
	#attempt = 0;
	#heardAt;
	#deadline = 0;
	#running = false;

	constructor(url, on) {
		Object.assign(this, { url, on });
		for (const event of ['online', 'offline', 'pageshow']) addEventListener(event, () => this.look());
		document.addEventListener('visibilitychange', () => document.hidden || this.look());
		setInterval(() => this.#check(), 1_000);
	}

	start() {
		this.#running = true;
		this.#connect();
	}

	stop() {
		this.#running = false;
		this.#detach();
	}

	send(text) {
		if (this.#socket?.readyState === 1) this.#socket.send(text);
	}

	look() {
		if (!this.#running) return;
		if (!this.#socket) this.#connect();
		else if (!this.#deadline) this.#ask(PROBE_PATIENCE);
	}

	#connect() {
		this.#detach();
		this.on.trying();
		this.#deadline = Date.now() + PATIENCE;
		const socket = new WebSocket(this.url, ['text.ircv3.net']);
		this.#socket = socket;
		socket.onopen = () => {
			this.#hear();
			this.on.opened();
		};
		socket.onmessage = ({ data }) => {
			this.#hear();
			this.on.line(data);
		};
		socket.onclose = () => this.#lose();
	}

	works() {
		this.#attempt = 0;
	}

	#hear() {
		this.#heardAt = Date.now();
		this.#deadline = 0;
	}

	#ask(patience) {
		this.#deadline = Date.now() + patience;
		this.send('PING page');
	}

	#check() {
		if (!this.#socket) return;
		const now = Date.now();
		if (this.#deadline && now > this.#deadline) this.#lose();
		else if (!this.#deadline && now - this.#heardAt > SILENCE) this.#ask(PATIENCE);
	}

	#lose() {
		this.#detach();
		const wait = waitAfter(this.#attempt++, Math.random());
		this.#timer = setTimeout(() => this.#connect(), wait);
		this.on.lost(wait);
	}

	#detach() {
		clearTimeout(this.#timer);
		const socket = this.#socket;
		this.#socket = null;
		if (!socket) return;
		socket.onopen = socket.onmessage = socket.onclose = null;
		socket.close();
	}
}
