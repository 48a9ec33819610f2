// Where one writes: drafts, completion of names, recalling what one has said, and hints for commands.

import { hints, isCommand, run } from './commands.js';
import { byId, element } from './dom.js';
import { fold } from './irc.js';
import { browser } from './store.js';

/** How many messages Up recalls. */
const MAX_RECALLED = 100;

/** How high the field grows, in lines. */
const MAX_LINES = 8;

export class Composer {
  #field = byId('message');
  /** @type {import('./rooms.js').Room | null} */
  #room = null;
  #drafts = browser.get('drafts', {});
  #said = [];
  /** Where we are in what was said, and what was there before; null: nowhere. */
  #recalled = null;
  /** Names that Tab goes through. */
  #completing = null;
  #timer = 0;

  /** @param {import('./chat.js').Chat} chat @param {{alert(text: string): void}} on */
  constructor(chat, on) {
    this.chat = chat;
    this.on = on;
    const field = this.#field;
    field.addEventListener('input', () => this.#edited());
    field.addEventListener('keydown', (event) => this.#key(event));
    byId('compose').addEventListener('submit', (event) => {
      event.preventDefault();
      this.#submit();
      field.focus();
    });
    addEventListener('pagehide', () => this.keep());
    document.addEventListener('visibilitychange', () => document.hidden && this.keep());
  }

  focus() {
    this.#field.focus();
  }

  /** Puts the draft of another room there. */
  show(room) {
    this.#store();
    this.#room = room;
    this.#field.disabled = !room;
    this.#recalled = null;
    this.#field.placeholder = room ? `Message to ${room.name}` : '';
    this.#set(room ? this.#drafts[room.key] ?? '' : '');
  }

  /** Keeps all drafts, and what has not been sent, for the next time. */
  keep() {
    this.#store();
    const drafts = { ...this.#drafts };
    for (const room of this.chat.rooms.values()) {
      const unsent = room.outgoing.filter(({ state }) => state !== 'sent').map(({ text }) => text);
      if (unsent.length) drafts[room.key] = [...unsent, drafts[room.key]].filter(Boolean).join('\n');
    }
    browser.set('drafts', drafts);
  }

  #store() {
    clearTimeout(this.#timer);
    if (!this.#room) return;
    const text = this.#recalled ? this.#recalled.draft : this.#field.value;
    if (text) this.#drafts[this.#room.key] = text;
    else delete this.#drafts[this.#room.key];
  }

  #edited() {
    this.#completing = this.#recalled = null;
    this.#look();
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.keep(), 300);
  }

  #set(text, caret = text.length) {
    this.#field.value = text;
    this.#field.setSelectionRange(caret, caret);
    this.#look();
  }

  /** Fits the field to its text, and shows what commands it may become. */
  #look() {
    const field = this.#field;
    field.rows = 1;
    const line = parseFloat(getComputedStyle(field).lineHeight);
    field.rows = Math.max(1, Math.min(MAX_LINES, Math.floor((field.scrollHeight - 8) / line)));
    const found = hints(field.value);
    byId('hints').hidden = !found.length;
    byId('hints').replaceChildren(
      ...found.map(({ name, args, does }) => element('li', {}, element('b', {}, `/${name}`), ` ${args} `, element('span', {}, does))),
    );
  }

  #key(event) {
    if (event.isComposing || event.keyCode === 229) return;
    const { key, shiftKey, altKey, ctrlKey, metaKey } = event;
    if (altKey || ctrlKey || metaKey) return;
    let isHandled = false;
    if (key === 'Enter' && !shiftKey) {
      this.#submit();
      isHandled = true;
    } else if (key === 'Tab' && !shiftKey) isHandled = this.#complete();
    else if (key === 'ArrowUp' && !shiftKey) isHandled = this.#recall(1);
    else if (key === 'ArrowDown' && !shiftKey) isHandled = this.#recall(-1);
    if (isHandled) event.preventDefault();
  }

  async #submit() {
    const room = this.#room;
    const text = this.#field.value.replace(/^\n+|\s+$/g, '');
    if (!text || !room) return;
    let lines = text.split('\n').filter((line) => line.trim());
    if (lines.length > 1) {
      const answer = await askSeveral(lines.length);
      this.focus();
      if (!answer || room !== this.#room) return;
      if (answer === 'one') lines = [lines.map((line) => line.trim()).join(' ')];
    } else if (isCommand(text)) {
      const complaint = run(this.chat, text);
      if (complaint) return this.on.alert(complaint);
      lines = [];
    }
    this.on.alert('');
    this.#said.push(text);
    this.#said.splice(0, this.#said.length - MAX_RECALLED);
    this.#completing = this.#recalled = null;
    // A command may have brought us to another room, whose draft stays.
    delete this.#drafts[room.key];
    if (room === this.#room) this.#set('');
    for (const line of lines) this.chat.say(room, line.replace(/^\/\//, '/'));
    this.keep();
  }

  /** Goes back or forth in what was said, from the first line or the last. */
  #recall(step) {
    const { value, selectionStart, selectionEnd } = this.#field;
    if (selectionStart !== selectionEnd) return false;
    const isAtEdge = step > 0 ? !value.slice(0, selectionStart).includes('\n') : !value.slice(selectionStart).includes('\n');
    const place = (this.#recalled?.place ?? 0) + step;
    if (!isAtEdge || place < 0 || place > this.#said.length) return false;
    const draft = this.#recalled?.draft ?? value;
    this.#recalled = place ? { place, draft } : null;
    this.#set(place ? this.#said.at(-place) : draft);
    return true;
  }

  /** Completes the name, room or command before the caret; again: the next one that fits. */
  #complete() {
    const { value, selectionStart: caret, selectionEnd } = this.#field;
    if (caret !== selectionEnd) return false;
    this.#completing ??= this.#candidates(value, caret);
    const completing = this.#completing;
    if (!completing) return false;
    const { before, after, names } = completing;
    const name = names[completing.next++ % names.length];
    this.#set(before + name + after, before.length + name.length);
    return true;
  }

  #candidates(value, caret) {
    const before = value.slice(0, caret).replace(/\S+$/, '');
    const word = fold(value.slice(before.length, caret));
    if (!word) return null;
    let names;
    if (!before && word.startsWith('/')) names = hints(word).map(({ name }) => `/${name} `);
    else if (word.startsWith('#')) names = this.chat.sorted().filter((it) => !it.isPrivate).map(({ name }) => `${name} `);
    else names = this.#people().map((name) => name + (before ? ' ' : ': '));
    names = names.filter((name) => fold(name).startsWith(word));
    return names.length ? { before, after: value.slice(caret), names, next: 0 } : null;
  }

  /** Names of who is here, those first who have spoken last. */
  #people() {
    const { log, people } = this.#room;
    const names = new Set();
    for (let number = log.end - 1; number >= Math.max(log.first, log.end - 200); number--) {
      const nick = log.at(number).nick;
      if (nick && people.has(fold(nick)) && !this.chat.isMe(nick)) names.add(nick);
    }
    for (const { nick } of this.#room.sorted()) names.add(nick);
    return [...names];
  }
}

/** Asks what to do with several lines. Returns `each`, `one`, or nothing. */
function askSeveral(count) {
  const dialog = byId('several');
  byId('several-title').textContent = `Send ${count} lines as ${count} messages?`;
  byId('send-each').textContent = `Send ${count} messages`;
  dialog.returnValue = '';
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener('close', () => resolve(dialog.returnValue), { once: true });
  });
}
