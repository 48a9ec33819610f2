import { byId, on } from './dom.js';
import { browser } from './kept.js';
import { plain } from './text.js';

export function showTitle(chat) {
	let unread = 0;
	for (const room of chat.rooms.values()) unread += room.unread;
	byId('show-rooms').textContent = `☰ ${unread || ''}`;
	document.title = `${unread ? `(${unread}) ` : ''}${chat.active ? `${chat.active.name} · ` : ''}Chat`;
}

const isOn = () => globalThis.Notification?.permission === 'granted' && browser.get('notify', false);

export function offerNotifications() {
	const button = byId('notify');
	button.hidden = !globalThis.Notification;
	button.ariaPressed = String(isOn());
	on('notify', 'click', async () => {
		const wants = !isOn();
		if (wants) await Notification.requestPermission();
		browser.set('notify', wants);
		button.ariaPressed = String(isOn());
	});
}

export function notify(room, { nick, text }, open) {
	if (!isOn() || document.hasFocus()) return;
	try {
		const shown = new Notification(`${nick} in ${room.name}`, { body: plain(text), tag: room.key });
		shown.onclick = () => {
			window.focus();
			open();
		};
	} catch {
		// Browsers of phones have the class and refuse to make one.
	}
}
