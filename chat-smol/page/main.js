import { notify, offerNotifications, showTitle } from './attention.js';
import { Chat, LOBBY } from './chat.js';
import { roomName, run } from './commands.js';
import { Composer } from './composer.js';
import { Connection } from './connection.js';
import { byId, framed, on } from './dom.js';
import { fold, isRoom } from './irc.js';
import { browser, tab } from './kept.js';
import { Panels } from './panels.js';
import { words } from './rows.js';
import { View } from './view.js';

const ALERT_TIME = 12_000;

const hasKeyboard = matchMedia('(hover) and (pointer: fine)').matches;

let lastWords = '';
let alertTimer;

const connection = new Connection(`${location.origin.replace('http', 'ws')}/ws`, {
	trying() {
		lastWords = '';
		status(chat.hasEntered ? 'Reconnecting…' : 'Connecting…');
	},
	opened: () => chat.opened(),
	line: (text) => chat.client.receive(text),
	lost(wait) {
		chat.lost();
		view.update();
		showRooms();
		const what = chat.hasEntered ? 'Reconnecting' : 'Not connected';
		const tell = (why) => status(`${what}. ${why.trim()}. Next try in ${Math.ceil(wait / 1000)} s.`, true);
		tell(lastWords || 'The server cannot be reached');
		// A server that is full says so in HTTP.
		const isStill = (answer) => !answer.ok && !byId('try-now').hidden;
		fetch('.').then(async (answer) => isStill(answer) && tell(await answer.text())).catch(() => {});
	},
});

const chat = new Chat((line) => connection.send(line), {
	changed(what, room) {
		if (what === 'active') showActive();
		else if (what === 'name') showName();
		else if (what === 'rooms') showRooms();
		else if (room !== chat.active) return;
		else if (what === 'log') view.update();
		else if (what === 'people') panels.showPeople();
		else showTopic();
	},
	alert,
	ended: (why) => (lastWords = why),
	refused: leave,
	locked() {
		leave(chat.password ? 'That is not the password of this server.' : 'This server has a password.');
		byId('secret').hidden = false;
		byId('password').focus();
	},
	isRead,
	mentioned: (room, entry) => notify(room, entry, () => chat.show(room)),
});

const view = new View(byId('messages'), byId('rows'), byId('outgoing'), {
	top: (room) => chat.older(room),
	moved: look,
	again: (it) => chat.send(chat.active, it),
	drop: (it) => chat.drop(chat.active, it),
});
const panels = new Panels(chat);
const composer = new Composer(chat, alert);

on('enter', 'submit', () => enter(byId('name').value.trim()));
on('quit', 'click', () => chat.quit());

function enter(name) {
	if (!name) return;
	byId('refusal').textContent = '';
	chat.wantedName = name;
	chat.password = byId('password').value;
	connection.start();
}

function leave(why = '') {
	// What was sent last is still on its way.
	setTimeout(() => connection.stop());
	chat.lost();
	chat.hasEntered = false;
	tab.set('entered', null);
	showEntrance(true);
	byId('refusal').textContent = why;
	byId('name').focus();
	status('Not connected');
}

function showEntrance(isShown) {
	byId('entrance').hidden = !isShown;
	byId('chat').hidden = isShown;
}

function showName() {
	const { me, wantedName } = chat;
	connection.works();
	status(`Connected as ${me}${fold(me) === fold(wantedName) ? '' : `, until ${wantedName} is free`}`);
	browser.set('name', wantedName);
	byId('name').value = wantedName;
	tab.set('entered', chat.password);
	panels.showPeople();
	if (!byId('chat').hidden) return;
	showEntrance(false);
	chat.opening = LOBBY;
	for (const name of new Set([LOBBY, ...chat.kept.keys()])) {
		if (!isRoom(name)) chat.begin(name);
		else if (!chat.room(name)) chat.client.send('JOIN', name);
	}
}

function showActive() {
	const room = chat.active;
	view.show(room);
	composer.show(room);
	showTopic();
	panels.showPeople();
	alert('');
	byId('leave').hidden = !room;
	byId('leave').ariaLabel = `Leave ${room?.name}`;
	if (hasKeyboard) composer.focus();
}

function showTopic() {
	const { name = 'No room', topic = '' } = chat.active ?? {};
	byId('room-name').textContent = name;
	byId('topic').replaceChildren(...words(topic));
	byId('topic').title = topic;
}

const showRooms = framed(() => {
	panels.showRooms();
	showTitle(chat);
	byId('to-end').hidden = view.isAtEnd;
	byId('to-end').textContent = chat.active?.unread ? `${chat.active.unread} new ↓` : 'Newest ↓';
	keep();
});

function keep() {
	for (const { name, wanted, readTo } of chat.rooms.values()) {
		if (wanted) chat.kept.set(name, readTo);
		else chat.kept.delete(name);
	}
	browser.set('rooms', [...chat.kept]);
}

function status(text, isWaiting) {
	byId('status').textContent = text;
	byId('try-now').hidden = !isWaiting;
}

function alert(text) {
	clearTimeout(alertTimer);
	byId('alert').textContent = text;
	if (text && chat.active) alertTimer = setTimeout(alert, ALERT_TIME, '');
}

function isRead(room) {
	return room === chat.active && document.hasFocus() && view.isAtEnd;
}

function look() {
	if (chat.active && isRead(chat.active)) chat.read(chat.active);
	showRooms();
}

on('to-end', 'click', () => {
	view.toEnd();
	if (hasKeyboard) composer.focus();
});
on('leave', 'click', () => chat.leave(chat.active));
on('try-now', 'click', () => connection.look());
on('list-rooms', 'click', () => command('/rooms'));
on('join', 'submit', () => {
	const field = byId('join-name');
	if (field.value.trim()) command(`/join ${roomName(field.value)}`);
	field.value = '';
});

function command(text) {
	panels.close();
	alert(run(chat, text) || '');
}

addEventListener('focus', look);
byId('room').addEventListener('click', (event) => {
	const href = event.target.getAttribute?.('href');
	if (!href?.startsWith('#')) return;
	event.preventDefault();
	command(`/join ${decodeURIComponent(href)}`);
});
addEventListener('keydown', (event) => {
	const { key, altKey } = event;
	if (byId('chat').hidden || byId('several').open) return;
	const step = { ArrowUp: -1, ArrowDown: 1 }[key];
	const pages = { PageUp: -1, PageDown: 1 }[key];
	if (altKey && step) {
		const rooms = chat.sorted();
		chat.show(rooms.at((rooms.indexOf(chat.active) + step) % rooms.length));
	} else if (pages && event.target.id === 'message') view.turnPage(pages);
	else if (key === 'Escape') {
		panels.close();
		view.toEnd();
		composer.focus();
	} else return;
	event.preventDefault();
});

offerNotifications();
addEventListener('visibilitychange', keep);
chat.kept = new Map(browser.get('rooms', []));
byId('name').value = browser.get('name', '');
const password = tab.get('entered');
if (password !== undefined) {
	byId('password').value = password;
	// The page is loaded again; the connection before may still have the name.
	chat.hasEntered = true;
	enter(byId('name').value);
}
