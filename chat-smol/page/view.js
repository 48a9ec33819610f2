import { element, framed } from './dom.js';
import { outgoingRow, rowOf } from './rows.js';

const MAX_ROWS = 1_000;

// Rows stand in chunks, so that a new row does not have the browser look at all others.
const CHUNK = 50;

const MAX_OUTGOING = 50;

const STEP = 80;
const NEAR = 800;

const AT_END = 40;

export class View {
	#room = null;
	#from = 0;
	#to = 0;
	#rowAt = new Map();
	isAtEnd = true;

	constructor(scroller, rows, outgoing, on) {
		Object.assign(this, { scroller, rows, outgoing, on });
		this.update = framed(() => this.#room && this.#frame());
		scroller.addEventListener('scroll', () => this.#scrolled(), { passive: true });
		new ResizeObserver(() => this.isAtEnd && this.#toBottom()).observe(scroller);
	}

	show(room) {
		this.#room = room;
		this.#showOutgoing();
		this.isAtEnd = true;
		if (!room) return this.#clear(0);
		const { log, unread } = room;
		this.#restart(Math.min(log.end - STEP, unread ? log.unreadFrom - 20 : Infinity));
		const line = this.rows.querySelector('.unread-line');
		if (line?.getBoundingClientRect().top < this.#top()) line.scrollIntoView();
		this.#scrolled();
		this.on.moved();
	}

	toEnd() {
		const log = this.#room?.log;
		if (!log) return;
		if (this.#to < log.end) this.#restart(log.end - STEP);
		this.isAtEnd = true;
		this.#frame();
		this.on.moved();
	}

	#restart(number) {
		const { log } = this.#room;
		// Nobody wants all this read aloud.
		this.scroller.ariaLive = 'off';
		setTimeout(() => (this.scroller.ariaLive = 'polite'), 500);
		this.#clear(Math.max(number, log.first));
		this.#move(this.#from, Math.min(this.#from + MAX_ROWS, log.end));
		log.changed.clear();
		this.isAtEnd = this.#to === log.end;
		if (this.isAtEnd) this.#toBottom();
		this.#frame();
	}

	turnPage(direction) {
		this.scroller.scrollBy(0, direction * 0.9 * this.scroller.clientHeight);
	}

	#frame() {
		const { log } = this.#room;
		const isNearTop = this.scroller.scrollTop < NEAR;
		const first = this.#from;
		this.#keepingPlace(() => {
			let from = Math.max(this.#from, log.first);
			let to = Math.max(this.#to, from);
			if (isNearTop) from = Math.max(from - STEP, log.first);
			if (this.isAtEnd) to = log.end;
			else if (this.#below() < NEAR) to = Math.min(to + STEP, log.end);
			if (to - from > MAX_ROWS) {
				if (isNearTop && !this.isAtEnd) to = from + MAX_ROWS;
				else from = to - MAX_ROWS + STEP;
			}
			this.#renew();
			this.#move(from, to);
			this.#showOutgoing();
		});
		if (this.#from < first) this.update();
		if (this.scroller.scrollTop < NEAR && this.#from === log.first && !log.complete) this.on.top(this.#room);
	}

	#clear(number) {
		this.rows.replaceChildren();
		this.#rowAt.clear();
		this.#from = this.#to = number;
	}

	#move(from, to) {
		if (from >= this.#to || to <= this.#from) this.#clear(from);
		for (; this.#from < from; this.#from++) this.#remove(this.#from);
		for (; this.#to > to; this.#to--) this.#remove(this.#to - 1);
		while (this.#from > from) this.#insert(--this.#from, 'prepend', this.rows.firstChild);
		while (this.#to < to) this.#insert(this.#to++, 'append', this.rows.lastChild);
	}

	#insert(number, place, chunk) {
		if (!chunk || chunk.childElementCount >= CHUNK) {
			chunk = element('div', { class: 'chunk' });
			this.rows[place](chunk);
		}
		const row = rowOf(this.#room.log, number);
		this.#rowAt.set(number, row);
		chunk[place](row);
	}

	#remove(number) {
		const row = this.#rowAt.get(number);
		this.#rowAt.delete(number);
		(row.parentNode.childElementCount > 1 ? row : row.parentNode).remove();
	}

	#renew() {
		const { log } = this.#room;
		for (const number of log.changed) {
			const row = this.#rowAt.get(number);
			if (!row || number < log.first) continue;
			this.#rowAt.set(number, rowOf(log, number));
			row.replaceWith(this.#rowAt.get(number));
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
		this.isAtEnd = this.#below() < AT_END && (was || this.#to === this.#room?.log.end);
		if (was !== this.isAtEnd) this.on.moved();
		if (!this.isAtEnd) this.update();
	}

	#below() {
		const { scrollHeight, scrollTop, clientHeight } = this.scroller;
		return scrollHeight - scrollTop - clientHeight;
	}

	#toBottom() {
		this.scroller.scrollTop = this.scroller.scrollHeight;
	}

	#top() {
		return this.scroller.getBoundingClientRect().top;
	}

	#keepingPlace(change) {
		const top = this.#top();
		const seenIn = (list) => [...list].find((it) => it.getBoundingClientRect().bottom > top);
		const row = !this.isAtEnd && seenIn(seenIn(this.rows.children)?.children ?? []);
		const was = row && row.getBoundingClientRect().top;
		change();
		if (this.isAtEnd) this.#toBottom();
		else if (row?.isConnected) this.scroller.scrollTop += row.getBoundingClientRect().top - was;
	}
}
