// A client of IRC: it registers, and brings answers to those who have asked.

import { format, parse } from './irc.js';

/** The capabilities that the page uses, of those that the server offers. */
const WANTED = new Set([
  'away-notify', 'batch', 'cap-notify', 'draft/chathistory', 'echo-message', 'labeled-response', 'message-tags',
  'multi-prefix', 'server-time', 'setname', 'standard-replies',
]);

/** How long an answer may take, in milliseconds. */
const ANSWER_PATIENCE = 20_000;

/** Numerics that refuse a name. */
const NAME_REFUSED = new Set(['431', '432', '433', '436', '437']);

/**
 * @typedef {import('./irc.js').Line} Line
 * @typedef {{type: string, label: string, parent: string}} Batch
 */

export class Client {
  /** Whether the server has welcomed us since the connection was made. */
  registered = false;
  /** What the server tells of itself in 005. @type {Map<string, string>} */
  limits = new Map();
  #offered = [];
  /** @type {Map<string, Batch>} */
  #batches = new Map();
  /** Who waits for an answer, by label. @type {Map<string, {lines: Line[], done: (lines: Line[] | null) => void}>} */
  #asked = new Map();
  #labels = 0;

  /**
   * @param {(text: string) => void} write
   * @param {object} on
   * @param {(line: Line, label: string) => void} on.line a line that is not part of the history
   * @param {() => void} on.registered
   * @param {(why: string) => string | null} on.refused the name is refused; returns another one, or null to give up
   */
  constructor(write, on) {
    this.write = write;
    this.on = on;
  }

  /** The connection is there: asks to be let in. */
  open(name) {
    this.close();
    this.send('CAP', 'LS', '302');
    this.send('NICK', name);
    this.send('USER', 'web', '0', '*', name);
  }

  /** The connection is lost: whoever waits for an answer gets none. */
  close() {
    this.registered = false;
    this.#offered = [];
    this.#batches.clear();
    const asked = [...this.#asked.values()];
    this.#asked.clear();
    for (const it of asked) it.done(null);
  }

  send(command, ...params) {
    this.write(format(command, params));
  }

  /**
   * Sends a line with a label. The answer is all lines that belong to it, or null if the connection was lost before.
   * @returns {{label: string, answer: Promise<Line[] | null>}}
   */
  ask(command, ...params) {
    const label = String(++this.#labels);
    const answer = new Promise((resolve) => {
      const timer = setTimeout(() => this.#answer(label, null), ANSWER_PATIENCE);
      const done = (lines) => {
        clearTimeout(timer);
        resolve(lines);
      };
      this.#asked.set(label, { lines: [], done });
    });
    this.write(format(command, params, { label }));
    return { label, answer };
  }

  /** Whether somebody waits for the answer with this label. */
  isAsked(label) {
    return this.#asked.has(label);
  }

  receive(text) {
    const line = parse(text);
    const { command, params, tags } = line;
    if (command === 'PING') return this.send('PONG', ...params);
    if (command === 'BATCH') return this.#batch(line);
    if (!this.registered && this.#register(line)) return;
    if (command === '005') this.#learn(params.slice(1, -1));

    const { label, isHistory } = this.#belongs(tags);
    this.#asked.get(label)?.lines.push(line);
    if (!isHistory && command !== 'ACK') this.on.line(line, label);
    // A labelled line that is in no batch is the whole answer.
    if (tags.has('label')) this.#asked.has(label) && this.#answer(label, this.#asked.get(label).lines);
  }

  /** Handles what comes before the welcome. Returns whether nobody else needs to see the line. */
  #register({ command, params }) {
    if (command === 'CAP') {
      if (params[1] === 'LS') {
        this.#offered.push(...(params.at(-1) ?? '').split(' '));
        if (params[2] === '*') return true;
        const caps = this.#offered.map((it) => it.split('=', 1)[0]).filter((it) => WANTED.has(it));
        if (caps.length) this.send('CAP', 'REQ', caps.join(' '));
        else this.send('CAP', 'END');
      } else if (params[1] === 'ACK' || params[1] === 'NAK') {
        this.send('CAP', 'END');
      }
      return true;
    }
    if (NAME_REFUSED.has(command)) {
      const other = this.on.refused(params.at(-1));
      if (other) this.send('NICK', other);
      return true;
    }
    if (command === '376' || command === '422') {
      this.registered = true;
      this.on.registered();
      return command === '422';
    }
    return false;
  }

  #learn(tokens) {
    for (const token of tokens) {
      const [name, value = ''] = token.split('=', 2);
      this.limits.set(name, value);
    }
  }

  #batch({ params: [reference = '', type], tags }) {
    const name = reference.slice(1);
    if (reference.startsWith('+')) {
      this.#batches.set(name, { type, label: tags.get('label') ?? '', parent: tags.get('batch') ?? '' });
      return;
    }
    const batch = this.#batches.get(name);
    this.#batches.delete(name);
    const asked = batch?.label && this.#asked.get(batch.label);
    if (asked) this.#answer(batch.label, asked.lines);
  }

  /** Finds the label of the batch that a line is in, and whether that is a part of the history. */
  #belongs(tags) {
    let label = tags.get('label') ?? '';
    let isHistory = false;
    let batch = this.#batches.get(tags.get('batch'));
    while (batch) {
      label ||= batch.label;
      isHistory ||= batch.type === 'chathistory';
      batch = this.#batches.get(batch.parent);
    }
    return { label, isHistory };
  }

  #answer(label, lines) {
    const asked = this.#asked.get(label);
    this.#asked.delete(label);
    asked?.done(lines);
  }
}
