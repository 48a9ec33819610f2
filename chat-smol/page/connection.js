// A WebSocket that comes back by itself. One line of IRC is one message.

/** Silence after which the server is asked whether it is there, and how long it may take to answer. In milliseconds. */
const SILENCE = 30_000;
const PATIENCE = 10_000;

/** The same after something suggests that the network has changed. */
const PROBE_PATIENCE = 4_000;

/** Waits between attempts: at first about this, then twice as long each time. */
const FIRST_WAIT = 500;
const LONGEST_WAIT = 30_000;

/** A connection that has lasted this long begins to wait anew. */
const GOOD = 10_000;

/** How long to wait after an attempt. `random` is at least 0 and below 1, so that not all pages come at once. */
export function wait(attempt, random) {
  return Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** Math.min(attempt, 16)) * (0.5 + random);
}

export class Connection {
  #socket = null;
  #timer = 0;
  #attempt = 0;
  #openedAt = 0;
  #heardAt = 0;
  #askedAt = 0;
  #patience = PATIENCE;
  #running = false;

  /**
   * @param {string} url
   * @param {{opened(): void, line(text: string): void, lost(wait: number): void, trying(): void}} on
   *   `lost` is told in how many milliseconds the next attempt is.
   */
  constructor(url, on) {
    this.url = url;
    this.on = on;
    addEventListener('online', () => this.look());
    addEventListener('offline', () => this.look());
    addEventListener('pageshow', () => this.look());
    document.addEventListener('visibilitychange', () => document.hidden || this.look());
    setInterval(() => this.#check(), 1_000);
  }

  start() {
    this.#running = true;
    this.#attempt = 0;
    this.#connect();
  }

  /** Ends it for good, until `start`. */
  stop() {
    this.#running = false;
    clearTimeout(this.#timer);
    this.#detach();
  }

  get isOpen() {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  send(text) {
    if (this.isOpen) this.#socket.send(text);
  }

  /** The network may have changed: tries at once, or asks whether the server is still there. */
  look() {
    if (!this.#running) return;
    if (!this.#socket) this.#connect();
    else if (this.isOpen && !this.#askedAt) this.#ask(PROBE_PATIENCE);
  }

  #connect() {
    clearTimeout(this.#timer);
    this.#detach();
    this.on.trying();
    const socket = new WebSocket(this.url, ['text.ircv3.net']);
    this.#socket = socket;
    this.#openedAt = 0;
    this.#askedAt = Date.now();
    this.#patience = PATIENCE;
    socket.onopen = () => {
      this.#openedAt = Date.now();
      this.#hear();
      this.on.opened();
    };
    socket.onmessage = ({ data }) => {
      this.#hear();
      if (typeof data === 'string') this.on.line(data.replace(/[\r\n]+$/, ''));
    };
    socket.onclose = () => this.#lose();
  }

  #hear() {
    this.#heardAt = Date.now();
    this.#askedAt = 0;
  }

  #ask(patience) {
    this.#askedAt = Date.now();
    this.#patience = patience;
    this.send('PING :are you there');
  }

  #check() {
    if (!this.#socket) return;
    const now = Date.now();
    if (this.#askedAt) {
      if (now - this.#askedAt > this.#patience) this.#lose();
    } else if (now - this.#heardAt > SILENCE) {
      this.#ask(PATIENCE);
    }
  }

  #lose() {
    this.#detach();
    if (!this.#running) return;
    if (this.#openedAt && Date.now() - this.#openedAt > GOOD) this.#attempt = 0;
    const delay = wait(this.#attempt++, Math.random());
    this.#timer = setTimeout(() => this.#connect(), delay);
    this.on.lost(delay);
  }

  /** Forgets the socket. Without a network its own `close` event would come only after minutes. */
  #detach() {
    const socket = this.#socket;
    this.#socket = null;
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
  }
}
