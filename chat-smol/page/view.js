// The messages of the room that is shown.

import { framed } from './dom.js';
import { outgoingRow, rowOf } from './rows.js';

const MAX_ROWS = 250;
const MAX_OUTGOING = 50;

const STEP = 80;
const NEAR = 800;

const AT_END = 40;

export class View {
	#room = null;
	#from = 0;
	#to = 0;
	isAtEnd = true;

	constructor(scroller, rows, outgoing, on) {
		Object.assign(this, { scroller, rows, outgoing, on });
		this.update = framed(() => this.#room && this.#frame());
		scroller.addEventListener('scroll', () => this.#scrolled(), { passive: true });
		new ResizeObserver(() => this.isAtEnd && this.#toBottom()).observe(scroller);
	}

	show(room) {
		this.#room = room;
		this.#clear(0);
		this.#showOutgoing();
		this.isAtEnd = true;
		if (!room) return;
		const { log, unread } = room;
		this.#quietly(() => {
			const start = Math.min(log.end - STEP, unread ? log.unreadFrom - 20 : Infinity);
			this.#clear(Math.max(log.first, start));
			this.#move(this.#from, Math.min(log.end, this.#from + MAX_ROWS));
			log.changed.clear();
			this.#toBottom();
			const line = this.rows.querySelector('.unread-line');
			if (line?.getBoundingClientRect().top < this.#top()) line.scrollIntoView();
			this.isAtEnd = this.#atEnd();
		});
		this.on.moved();
		this.update();
	}

	toEnd() {
		const log = this.#room?.log;
		if (!log) return;
		this.#quietly(() => {
			if (this.#to < log.end) this.#clear(Math.max(log.first, log.end - STEP));
			this.#move(this.#from, log.end);
			this.#toBottom();
		});
		this.isAtEnd = true;
		this.on.moved();
	}

	#frame() {
		const { log } = this.#room;
		if (this.isAtEnd) {
			this.#renew();
			// Many at a time: whenever rows go, all others move.
			const isFull = log.end - this.#from > MAX_ROWS;
			this.#move(Math.max(this.#from, isFull ? log.end - MAX_ROWS + STEP : 0, log.first), log.end);
			this.#showOutgoing();
			this.#toBottom();
		} else {
			this.#keepingPlace(() => {
				let from = Math.max(this.#from, log.first);
				let to = Math.max(this.#to, from);
				if (this.scroller.scrollTop < NEAR && from > log.first) {
					from = Math.max(log.first, from - STEP);
					to = Math.min(to, from + MAX_ROWS);
				} else if (this.#below() < NEAR && to < log.end) {
					to = Math.min(log.end, to + STEP);
					from = Math.max(from, to - MAX_ROWS);
				}
				this.#renew();
				this.#move(from, to);
				this.#showOutgoing();
			});
		}
		if (this.scroller.scrollTop < NEAR && this.#from === log.first && !log.complete) this.on.top(this.#room);
	}

	#clear(number) {
		this.rows.replaceChildren();
		this.#from = this.#to = number;
	}

	#move(from, to) {
		if (from >= this.#to || to <= this.#from) this.#clear(from);
		const make = (start, end) => Array.from({ length: end - start }, (_, index) => rowOf(this.#room.log, start + index));
		for (; this.#from < from; this.#from++) this.rows.firstElementChild.remove();
		for (; this.#to > to; this.#to--) this.rows.lastElementChild.remove();
		if (from < this.#from) this.rows.prepend(...make(from, this.#from));
		if (to > this.#to) this.rows.append(...make(this.#to, to));
		[this.#from, this.#to] = [from, to];
	}

	#renew() {
		const { log } = this.#room;
		for (const number of log.changed) {
			const row = number >= log.first && this.rows.children[number - this.#from];
			if (row) row.replaceWith(rowOf(log, number));
		}
		log.changed.clear();
	}

	#showOutgoing() {
		const shown = this.#room?.outgoing.slice(-MAX_OUTGOING) ?? [];
		if (!shown.length && !this.outgoing.firstChild) return;
		const rowFor = (it) => outgoingRow(it, () => this.on.again(it), () => this.on.drop(it));
		this.outgoing.replaceChildren(...shown.map(rowFor));
	}

	#scrolled() {
		const was = this.isAtEnd;
		// What has just come has no rows before the next frame.
		this.isAtEnd = was ? this.#below() < AT_END : this.#atEnd();
		if (was !== this.isAtEnd) this.on.moved();
		if (!this.isAtEnd && Math.min(this.scroller.scrollTop, this.#below()) < NEAR) this.update();
	}

	#atEnd() {
		return this.#below() < AT_END && this.#to === this.#room?.log.end;
	}

	#below() {
		const { scrollHeight, scrollTop, clientHeight } = this.scroller;
		return scrollHeight - scrollTop - clientHeight;
	}

	#top() {
		return this.scroller.getBoundingClientRect().top;
	}

	#toBottom() {
		this.scroller.scrollTop = this.scroller.scrollHeight;
	}

	#keepingPlace(change) {
		const top = this.#top();
		const row = [...this.rows.children].find((it) => it.getBoundingClientRect().bottom > top);
		const was = row?.getBoundingClientRect().top;
		change();
		if (row?.isConnected) this.scroller.scrollTop += row.getBoundingClientRect().top - was;
	}

	#quietly(change) {
		this.scroller.ariaLive = 'off';
		change();
		setTimeout(() => (this.scroller.ariaLive = 'polite'), 500);
	}
}
