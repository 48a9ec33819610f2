// In milliseconds. After so much silence we ask, and wait so long for an answer.
const SILENCE = 30_000;
const PATIENCE = 8_000;

const FIRST_WAIT = 500;
const LONGEST_WAIT = 30_000;

export class Connection {
	#socket;
	#timer;
	#attempt = 0;
	#heardAt;
	#deadline = 0;
	#running = false;

	constructor(url, on) {
		Object.assign(this, { url, on });
		const look = () => document.hidden || this.look();
		for (const event of ['online', 'offline', 'pageshow', 'visibilitychange']) addEventListener(event, look);
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
		else if (!this.#deadline) this.#ask();
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

	#ask() {
		this.#deadline = Date.now() + PATIENCE;
		this.send('PING page');
	}

	#check() {
		if (!this.#socket) return;
		const now = Date.now();
		if (this.#deadline && now > this.#deadline) this.#lose();
		else if (!this.#deadline && now - this.#heardAt > SILENCE) this.#ask();
	}

	#lose() {
		this.#detach();
		const wait = Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** this.#attempt++) * (0.5 + Math.random());
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
