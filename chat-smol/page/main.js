// The page: puts its parts together.

import { notify, offerNotifications, showTitle } from './attention.js';
import { Chat, LOBBY } from './chat.js';
import { run, roomName } from './commands.js';
import { Composer } from './composer.js';
import { Connection } from './connection.js';
import { byId, framed } from './dom.js';
import { Panels } from './panels.js';
import { words } from './rows.js';
import { browser, tab } from './store.js';
import { View } from './view.js';

/** How long an alert is shown, in milliseconds. */
const ALERT_TIME = 12_000;

/** Screens without a keyboard that would hide half of them, which is when the field takes the focus by itself. */
const hasKeyboard = matchMedia('(hover: hover) and (pointer: fine)');

const connection = new Connection(`${location.protocol.replace('http', 'ws')}//${location.host}/ws`, {
  trying: () => status(chat.hasEntered ? 'Reconnecting…' : 'Connecting…'),
  opened: () => chat.opened(),
  line: (text) => {
    if (text.startsWith('ERROR ')) lastWords = text.replace(/^ERROR :?/, '');
    chat.client.receive(text);
  },
  lost: (wait) => {
    chat.lost();
    const why = lastWords || 'The server cannot be reached';
    status(`${chat.hasEntered ? 'Reconnecting' : 'Not connected'}. ${why}; next try in ${Math.ceil(wait / 1000)} s`, true);
    lastWords = '';
    showRoom();
  },
});

const chat = new Chat((line) => connection.send(line), {
  changed(what, room) {
    if (what === 'active') showActive();
    else if (what === 'name') showName();
    else if (what === 'rooms') showRooms();
    else if (room !== chat.active) return;
    else if (what === 'log') view.update();
    else if (what === 'people') panels.updatePeople();
    else if (what === 'topic') showRoom();
  },
  alert,
  refused(why) {
    connection.stop();
    showEntrance(why);
  },
  quit() {
    tab.set('entered', null);
    setTimeout(() => connection.stop(), 500);
    composer.keep();
    for (const room of [...chat.rooms.values()]) if (room.isPrivate) chat.forget(room);
    showEntrance();
  },
  isRead: (room) => room === chat.active && isLooking() && view.isAtEnd,
  mentioned: (room, entry) => notify(room, entry, () => chat.show(room)),
});

const view = new View(
  { scroller: byId('messages'), rows: byId('rows'), tail: byId('outgoing') },
  {
    top: (room) => chat.older(room),
    moved: () => looked(),
    again: (room, it) => chat.again(room, it),
    drop: (room, it) => chat.drop(room, it),
  },
);
const panels = new Panels(chat);
const composer = new Composer(chat, { alert });

let lastWords = '';
let alertTimer = 0;

// Coming in

byId('enter').addEventListener('submit', (event) => {
  event.preventDefault();
  enter(byId('name').value.trim());
});

function enter(name) {
  if (!name) return;
  byId('refusal').textContent = '';
  chat.wantedName = name;
  connection.start();
}

function showEntrance(why = '') {
  byId('entrance').hidden = false;
  byId('chat').hidden = true;
  byId('refusal').textContent = why && `${chat.wantedName}: ${why}`;
  byId('name').value = chat.wantedName || browser.get('name', '');
  byId('name').focus();
  byId('name').select();
  status('Not connected');
  document.title = 'Chat';
}

/** We are in, under this name. */
function showName() {
  if (!chat.client.registered) return;
  browser.set('name', chat.wantedName);
  tab.set('entered', true);
  const isOther = chat.me !== chat.wantedName;
  status(`Connected as ${chat.me}${isOther ? `, until ${chat.wantedName} is free` : ''}`);
  panels.updatePeople();
  if (!byId('chat').hidden) return;
  byId('entrance').hidden = true;
  byId('chat').hidden = false;
  const linked = hashRoom();
  const rooms = [...new Set([LOBBY, ...browser.get('rooms', []), ...(linked ? [linked] : [])])];
  for (const name of rooms) if (!chat.room(name)?.joined) chat.client.send('JOIN', name);
  chat.opening.add((linked ?? LOBBY).toLowerCase());
  showActive();
}

// What is shown

function showActive() {
  const room = chat.active;
  view.show(room);
  composer.show(room);
  showRoom();
  showRooms();
  panels.updatePeople();
  alert('');
  looked();
  if (room && !room.isPrivate) history.replaceState(null, '', `#${encodeURIComponent(room.name.slice(1))}`);
  if (hasKeyboard.matches) composer.focus();
}

function showRoom() {
  const room = chat.active;
  byId('room-name').textContent = room?.name ?? 'No room';
  byId('topic').replaceChildren(...words(room?.topic ?? ''));
  byId('topic').title = room?.topic ?? '';
  byId('leave').hidden = !room;
  byId('leave').setAttribute('aria-label', `${room?.isPrivate ? 'Close' : 'Leave'} ${room?.name}`);
}

const showRooms = framed(() => {
  panels.updateRooms();
  showTitle(chat);
  showToEnd();
});

function showToEnd() {
  const room = chat.active;
  const button = byId('to-end');
  button.hidden = !room || view.isAtEnd;
  button.textContent = room?.unread ? `↓ ${room.unread} new` : '↓ Newest';
}

function status(text, isWaiting = false) {
  if (byId('status').textContent !== text) byId('status').textContent = text;
  byId('try-now').hidden = !isWaiting;
  document.body.classList.toggle('disconnected', !chat.client?.registered);
}

function alert(text) {
  clearTimeout(alertTimer);
  byId('alert').textContent = text;
  if (text) alertTimer = setTimeout(() => alert(''), ALERT_TIME);
}

// What somebody sees

function isLooking() {
  return document.hasFocus() && !document.hidden;
}

function looked() {
  if (chat.active && isLooking() && view.isAtEnd) chat.read(chat.active);
  showRooms();
}

addEventListener('focus', looked);
document.addEventListener('visibilitychange', looked);

// What somebody does

byId('to-end').addEventListener('click', () => {
  view.toEnd();
  if (hasKeyboard.matches) composer.focus();
});
byId('leave').addEventListener('click', () => chat.active && chat.leave(chat.active));
byId('try-now').addEventListener('click', () => connection.look());
byId('quit').addEventListener('click', () => chat.quit());
byId('list-rooms').addEventListener('click', () => {
  panels.close();
  const complaint = run(chat, '/rooms');
  if (complaint) alert(complaint);
});
byId('join').addEventListener('submit', (event) => {
  event.preventDefault();
  const field = byId('join-name');
  if (!field.value.trim()) return;
  const complaint = run(chat, `/join ${roomName(field.value)}`);
  if (complaint) return alert(complaint);
  field.value = '';
  panels.close();
});

addEventListener('hashchange', () => {
  const name = hashRoom();
  if (name && chat.client.registered) chat.open(name);
});

function hashRoom() {
  try {
    return location.hash.length > 1 ? roomName(decodeURIComponent(location.hash.slice(1))) : null;
  } catch {
    return null;
  }
}

addEventListener('keydown', (event) => {
  const { key, altKey, ctrlKey, metaKey } = event;
  if (byId('chat').hidden || byId('several').open) return;
  const isWriting = event.target.closest?.('input, textarea');
  if (altKey && (key === 'ArrowUp' || key === 'ArrowDown')) {
    const rooms = chat.sorted();
    const index = rooms.indexOf(chat.active) + (key === 'ArrowUp' ? -1 : 1);
    chat.show(rooms.at(index % rooms.length));
  } else if (key === 'Escape') {
    if (!panels.close()) view.toEnd();
    composer.focus();
  } else if (event.target.id === 'message' && (key === 'PageUp' || key === 'PageDown')) {
    view.scrollBy(key === 'PageUp' ? -1 : 1);
  } else if (!isWriting && key.length === 1 && key !== ' ' && !altKey && !ctrlKey && !metaKey) {
    // Whoever begins to write wants to say something.
    composer.focus();
    return;
  } else {
    return;
  }
  event.preventDefault();
});

offerNotifications();
byId('name').value = browser.get('name', '');
if (tab.get('entered', false) && byId('name').value) {
  // Loaded again: the name may still be that of the connection before.
  chat.hasEntered = true;
  enter(byId('name').value);
} else {
  byId('name').focus();
}
