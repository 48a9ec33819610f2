// The messages of the room that is shown. A window into its log is in the document; it moves as one scrolls.

import { framed } from './dom.js';
import { outgoingRow, rowOf } from './rows.js';

/** The most rows of the log in the document, and of what is not yet sent. Together less than 1,000. */
export const MAX_ROWS = 900;
const MAX_OUTGOING = 50;

/** How many rows a room has when it is opened, and how many come when one scrolls to an end of them. */
const FIRST_ROWS = 150;
const STEP = 150;

/** How near an end of the rows is, in pixels, when more are put there; and the bottom, when one counts as there. */
const NEAR = 800;
const AT_BOTTOM = 40;

export class View {
  /** @type {import('./rooms.js').Room | null} */
  #room = null;
  /** The numbers of the entries that have rows. */
  #from = 0;
  #to = 0;
  /** Whether the newest message stays in view. */
  #stuck = true;
  #outgoing = '';

  /**
   * @param {{scroller: HTMLElement, rows: HTMLElement, tail: HTMLElement}} parts
   * @param {object} on
   * @param {(room: import('./rooms.js').Room) => void} on.top the oldest message is nearly in view
   * @param {(isAtEnd: boolean) => void} on.moved
   */
  constructor({ scroller, rows, tail }, on) {
    Object.assign(this, { scroller, rows, tail, on });
    this.update = framed(() => this.#frame());
    scroller.addEventListener('scroll', () => this.#scrolled(), { passive: true });
    new ResizeObserver(() => this.#stuck && this.#pin()).observe(scroller);
  }

  /** Whether what is added to the shown room is seen. */
  get isAtEnd() {
    return this.#stuck;
  }

  /** Shows a room from where one has read it. */
  show(room) {
    this.#room = room;
    this.rows.replaceChildren();
    this.tail.replaceChildren();
    this.#outgoing = '';
    this.#from = this.#to = 0;
    this.#stuck = true;
    if (!room) return;
    // A screen reader need not read all of it out.
    this.#quietly(() => {
      const { log } = room;
      const unread = room.unread > 0 && log.unreadFrom !== null ? Math.max(log.unreadFrom, log.first) : null;
      const start = unread === null ? log.end - FIRST_ROWS : Math.min(unread - 20, log.end - FIRST_ROWS);
      this.#from = this.#to = Math.max(log.first, start);
      this.#move(this.#from, Math.min(log.end, this.#from + MAX_ROWS));
      log.changed.clear();
      this.#showOutgoing();
      this.#pin();
      const line = this.rows.querySelector('.unread-line');
      if (line && line.getBoundingClientRect().top < this.scroller.getBoundingClientRect().top) {
        line.scrollIntoView({ block: 'start' });
        this.#stuck = this.#isAtBottom();
      }
    });
    this.on.moved(this.#stuck);
    this.update();
  }

  /** Goes to the newest message. */
  toEnd() {
    this.#stuck = true;
    const { log } = this.#room ?? {};
    if (log && this.#to < log.end) {
      this.#quietly(() => {
        this.rows.replaceChildren();
        this.#from = this.#to = Math.max(log.first, log.end - FIRST_ROWS);
        this.#move(this.#from, log.end);
      });
    }
    this.#pin();
    this.on.moved(true);
    this.update();
  }

  scrollBy(pages) {
    this.scroller.scrollBy({ top: pages * this.scroller.clientHeight * 0.9 });
  }

  #frame() {
    const room = this.#room;
    if (!room) return;
    const { log } = room;
    if (this.#stuck) {
      const before = this.#to;
      const to = log.end;
      this.#move(Math.max(this.#from, to - MAX_ROWS, log.first), to);
      this.#again(before);
      this.#showOutgoing();
      this.#pin();
    } else {
      this.#keepingPlace(() => {
        let [from, to] = [Math.max(this.#from, log.first), this.#to];
        if (this.#above() < NEAR && from > log.first) {
          from = Math.max(log.first, from - STEP);
          to = Math.min(to, from + MAX_ROWS);
        } else if (this.#below() < NEAR && to < log.end) {
          to = Math.min(log.end, to + STEP);
          from = Math.max(from, to - MAX_ROWS);
        }
        this.#move(from, to);
        this.#again(this.#to);
        this.#showOutgoing();
      });
    }
    if (this.#above() < NEAR && this.#from === log.first && !log.complete) this.on.top(room);
  }

  /** Changes which entries have rows. */
  #move(from, to) {
    const { log } = this.#room;
    if (from >= this.#to || to <= this.#from) {
      this.rows.replaceChildren();
      this.#from = this.#to = from;
    }
    for (; this.#from < from; this.#from++) this.rows.firstElementChild.remove();
    for (; this.#to > to; this.#to--) this.rows.lastElementChild.remove();
    if (from < this.#from) this.rows.prepend(...rowsOf(log, from, this.#from));
    if (to > this.#to) this.rows.append(...rowsOf(log, this.#to, to));
    [this.#from, this.#to] = [from, to];
  }

  /** Makes the rows anew of entries that have changed, those before `end`. */
  #again(end) {
    const { log } = this.#room;
    for (const number of log.changed) {
      if (number >= this.#from && number < Math.min(end, this.#to)) {
        this.rows.children[number - this.#from].replaceWith(rowOf(log, number));
      }
    }
    log.changed.clear();
  }

  #showOutgoing() {
    const room = this.#room;
    const shown = room.outgoing.slice(-MAX_OUTGOING);
    const state = shown.map((it) => `${it.time} ${it.state} ${it.text}`).join('\n');
    if (state === this.#outgoing) return;
    this.#outgoing = state;
    const actions = (it) => ({ again: () => this.on.again(room, it), drop: () => this.on.drop(room, it) });
    this.tail.replaceChildren(...shown.map((it) => outgoingRow(it, actions(it))));
  }

  #scrolled() {
    const wasStuck = this.#stuck;
    this.#stuck = this.#isAtBottom();
    if (wasStuck !== this.#stuck) this.on.moved(this.#stuck);
    if (this.#room && (this.#above() < NEAR || this.#below() < NEAR)) this.update();
  }

  #isAtBottom() {
    return this.#below() < AT_BOTTOM && this.#to === (this.#room?.log.end ?? 0);
  }

  #above() {
    return this.scroller.scrollTop;
  }

  #below() {
    return this.scroller.scrollHeight - this.scroller.scrollTop - this.scroller.clientHeight;
  }

  #pin() {
    this.scroller.scrollTop = this.scroller.scrollHeight;
  }

  /** Does something, and leaves the rows that are in view where they are. */
  #keepingPlace(change) {
    const top = this.scroller.getBoundingClientRect().top;
    const inView = [...this.rows.children].find((row) => row.getBoundingClientRect().bottom > top);
    const was = inView?.getBoundingClientRect().top;
    change();
    if (!inView?.isConnected) return;
    const moved = inView.getBoundingClientRect().top - was;
    if (moved) this.scroller.scrollTop += moved;
  }

  #quietly(change) {
    this.scroller.setAttribute('aria-live', 'off');
    change();
    setTimeout(() => this.scroller.setAttribute('aria-live', 'polite'), 500);
  }
}

function rowsOf(log, from, to) {
  return Array.from({ length: to - from }, (_, index) => rowOf(log, from + index));
}
