import { byId, element, framed, on } from './dom.js';
import { nameOf } from './rows.js';

const MAX_LISTED = 300;

const ROLES = { '@': 'operator', '+': 'voice' };

const unseen = (text) => element('span', { class: 'unseen' }, text);

export class Panels {
	constructor(chat) {
		this.showRooms = () => fill(byId('rooms'), chat.sorted().map((room) => roomItem(chat, room)));
		this.showPeople = framed(() => {
			const people = chat.active?.sorted() ?? [];
			byId('people-title').textContent = `People (${people.length})`;
			const items = people.slice(0, MAX_LISTED).map((person) => personItem(chat, person));
			if (people.length > MAX_LISTED) items.push(`and ${people.length - MAX_LISTED} more`);
			fill(byId('people'), items);
		});
		for (const name of ['rooms', 'people']) {
			on(name, 'click', ({ target }) => {
				const to = target.closest('button')?.dataset.to;
				if (!to) return;
				chat.show(chat.begin(to));
				this.close();
			});
		}
	}

	close() {
		for (const panel of document.querySelectorAll('.panel')) panel.hidePopover();
	}
}

function roomItem(chat, room) {
	const { name, unread, mentions, joined, isPrivate } = room;
	const forUs = mentions ? `, ${mentions} for you` : '';
	const looks = (mentions ? 'mentioned ' : '') + (joined || isPrivate ? '' : 'absent');
	return element(
		'button',
		{ 'data-to': name, class: looks, 'aria-current': room === chat.active && 'true' },
		element('bdi', {}, name),
		unread && element('span', { class: 'badge' }, `${unread}`, unseen(` unread${forUs}`)),
	);
}

function personItem(chat, { nick, signs, away }) {
	const role = ROLES[signs[0]];
	return element(
		'button',
		{ 'data-to': nick, class: away && 'away' },
		role && element('span', { 'aria-hidden': 'true' }, signs[0]),
		nameOf(nick),
		unseen(`${role ? ` (${role})` : ''}${away ? ' (away)' : ''}`),
		chat.isMe(nick) && ' (you)',
	);
}

function fill(list, items) {
	const focused = list.contains(document.activeElement) && document.activeElement.dataset.to;
	list.replaceChildren(...items.map((it) => element('li', {}, it)));
	if (focused) list.querySelector(`[data-to="${CSS.escape(focused)}"]`)?.focus();
}
