// What calls somebody who looks elsewhere: the title, and notifications for whoever wants them.

import { byId } from './dom.js';
import { browser } from './store.js';
import { plain } from './text.js';

/** Shows how many messages are unread in the title of the page. @param {import('./chat.js').Chat} chat */
export function showTitle(chat) {
  const unread = [...chat.rooms.values()].reduce((sum, room) => sum + room.unread, 0);
  const title = chat.active ? `${chat.active.name} · Chat` : 'Chat';
  document.title = unread ? `(${unread}) ${title}` : title;
}

/** Makes the button with which notifications are switched on. */
export function offerNotifications() {
  const button = byId('notify');
  button.hidden = !('Notification' in window);
  const show = () => button.setAttribute('aria-pressed', String(isOn()));
  button.addEventListener('click', async () => {
    const wants = !isOn();
    if (wants) await Notification.requestPermission();
    browser.set('notify', wants && Notification.permission === 'granted');
    show();
  });
  show();
}

/** Tells somebody who looks elsewhere of a message. */
export function notify(room, entry, open) {
  if (!isOn() || (document.hasFocus() && !document.hidden)) return;
  try {
    const title = room.isPrivate ? entry.nick : `${entry.nick} in ${room.name}`;
    const notification = new Notification(title, { body: plain(entry.text).slice(0, 200), tag: room.key });
    notification.onclick = () => {
      window.focus();
      open();
      notification.close();
    };
  } catch {
    // Browsers of phones have the class and refuse to make one.
  }
}

function isOn() {
  return 'Notification' in window && Notification.permission === 'granted' && browser.get('notify', false);
}
