// What stands beside the messages: the rooms, and the people of the room that is shown.

import { byId, element, framed, on } from './dom.js';
import { nameOf } from './rows.js';

const MAX_LISTED = 300;

const ROLES = { '@': 'operator', '+': 'voice' };

const unseen = (text) => element('span', { class: 'unseen' }, text);

export class Panels {
	constructor(chat) {
		this.showRooms = framed(() => fill(byId('rooms'), chat.sorted().map((room) => roomItem(chat, room))));
		this.showPeople = framed(() => {
			const people = chat.active?.sorted() ?? [];
			byId('people-title').textContent = `People (${people.length})`;
			const items = people.slice(0, MAX_LISTED).map((person) => personItem(chat, person));
			if (people.length > MAX_LISTED) items.push(`and ${people.length - MAX_LISTED} more`);
			fill(byId('people'), items);
		});
		for (const name of ['rooms', 'people']) {
			const button = byId(`show-${name}`);
			on(`show-${name}`, 'click', () => {
				const isOpen = button.ariaExpanded === 'true';
				this.close();
				button.ariaExpanded = String(!isOpen);
				byId(`${name}-panel`).classList.toggle('open', !isOpen);
				if (!isOpen) byId(`${name}-panel`).querySelector('button').focus();
			});
			on(name, 'click', ({ target }) => {
				const to = target.closest('button')?.dataset.to;
				if (!to) return;
				chat.show(chat.room(to) ?? chat.begin(to));
				this.close();
			});
		}
		byId('messages').addEventListener('click', () => this.close());
	}

	close() {
		for (const panel of document.querySelectorAll('.open')) panel.classList.remove('open');
		for (const button of document.querySelectorAll('.toggle')) button.ariaExpanded = 'false';
	}
}

function roomItem(chat, room) {
	const { name, unread, mentions, joined, isPrivate } = room;
	const looks = [unread && 'unread', mentions && 'mentioned', !joined && !isPrivate && 'absent'];
	return element(
		'button',
		{ type: 'button', 'data-to': name, class: looks.filter(Boolean).join(' '), 'aria-current': room === chat.active && 'true' },
		element('bdi', {}, name),
		unread && element('span', { class: 'badge' }, String(unread), unseen(` unread${mentions ? `, ${mentions} for you` : ''}`)),
	);
}

function personItem(chat, { nick, signs, away }) {
	const role = ROLES[signs[0]];
	return element(
		'button',
		{ type: 'button', 'data-to': nick, class: away && 'away' },
		role && element('span', { class: 'sign', 'aria-hidden': 'true' }, signs[0]),
		nameOf(nick),
		unseen(`${role ? ` (${role})` : ''}${away ? ' (away)' : ''}`),
		chat.isMe(nick) && ' (you)',
	);
}

function fill(list, items) {
	const focused = list.contains(document.activeElement) && document.activeElement.dataset.to;
	list.replaceChildren(...items.map((it) => element('li', {}, it)));
	if (focused) [...list.querySelectorAll('button')].find(({ dataset }) => dataset.to === focused)?.focus();
}
