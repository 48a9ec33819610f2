// What stands beside the messages: the rooms, and the people of the room that is shown.

import { byId, element, framed } from './dom.js';
import { fold } from './irc.js';
import { nameOf } from './rows.js';

/** How many people are listed; a longer list says how many more there are. */
const MAX_LISTED = 300;

const ROLES = { '@': 'operator', '+': 'voice' };

export class Panels {
  /** @param {import('./chat.js').Chat} chat */
  constructor(chat) {
    this.chat = chat;
    this.updateRooms = framed(() => this.#showRooms());
    this.updatePeople = framed(() => this.#showPeople());
    byId('rooms').addEventListener('click', ({ target }) => {
      const name = target.closest('button')?.dataset.room;
      if (!name) return;
      chat.show(chat.room(name));
      this.close();
    });
    byId('people').addEventListener('click', ({ target }) => {
      const name = target.closest('button')?.dataset.nick;
      if (!name) return;
      chat.open(name);
      this.close();
    });
    for (const [button, panel] of this.#toggles()) {
      button.addEventListener('click', () => {
        const isOpen = !panel.classList.contains('open');
        this.close();
        panel.classList.toggle('open', isOpen);
        button.setAttribute('aria-expanded', String(isOpen));
        if (isOpen) panel.querySelector('button, input')?.focus();
      });
    }
    byId('room').addEventListener('click', ({ target }) => target.closest('.toggle') || this.close());
  }

  /** Closes the panels of a narrow screen. Returns whether one was open. */
  close() {
    let wasOpen = false;
    for (const [button, panel] of this.#toggles()) {
      wasOpen ||= panel.classList.contains('open');
      panel.classList.remove('open');
      button.setAttribute('aria-expanded', 'false');
    }
    return wasOpen;
  }

  #toggles() {
    return ['rooms', 'people'].map((it) => [byId(`show-${it}`), byId(`${it}-panel`)]);
  }

  #showRooms() {
    const { chat } = this;
    const rooms = chat.sorted();
    sync(byId('rooms'), rooms.map((room) => {
      const count = room.unread && `${room.unread > 999 ? '999+' : room.unread}`;
      const mine = room.mentions ? `, ${room.mentions} for you` : '';
      const isActive = room === chat.active;
      const look = [room.name, count, mine, isActive, room.joined || room.isPrivate].join(' ');
      const make = () =>
        element(
          'button',
          {
            type: 'button',
            class: [room.unread && 'unread', room.mentions && 'mentioned', !room.joined && !room.isPrivate && 'absent']
              .filter(Boolean).join(' ') || undefined,
            'aria-current': isActive && 'true',
            'data-room': room.name,
          },
          element('bdi', {}, room.name),
          count && element('span', { class: 'badge' }, count, element('span', { class: 'unseen' }, ` unread${mine}`)),
        );
      return [look, make];
    }));
    const elsewhere = rooms.reduce((sum, room) => sum + (room === chat.active ? 0 : room.unread), 0);
    byId('elsewhere').hidden = !elsewhere;
    byId('elsewhere').replaceChildren(elsewhere > 99 ? '99+' : String(elsewhere), element('span', { class: 'unseen' }, ' unread'));
  }

  #showPeople() {
    const { chat } = this;
    const room = chat.active;
    const people = room?.sorted() ?? [];
    byId('people-title').textContent = people.length ? `People (${people.length})` : 'People';
    const items = people.slice(0, MAX_LISTED).map(({ nick, signs, away }) => {
      const role = ROLES[signs[0]];
      const isMe = fold(nick) === fold(chat.me);
      const make = () =>
        element(
          'button',
          { type: 'button', class: away && 'away', 'data-nick': nick, title: isMe ? 'You' : `Speak to ${nick} alone` },
          role && element('span', { class: 'sign', 'aria-hidden': 'true' }, signs[0]),
          nameOf(nick),
          element('span', { class: 'unseen' }, `${role ? `, ${role}` : ''}${away ? ', away' : ''}`),
          isMe && element('span', { class: 'you' }, ' (you)'),
        );
      return [`${nick} ${signs} ${away} ${isMe}`, make];
    });
    if (people.length > MAX_LISTED) items.push(['more', () => `and ${people.length - MAX_LISTED} more`]);
    sync(byId('people'), items);
  }
}

/** Makes the items of a list those given, and keeps those that look the same, so that the focus stays. */
function sync(list, items) {
  const kept = new Map([...list.children].map((item) => [item.look, item]));
  const focused = document.activeElement?.dataset;
  let place = list.firstElementChild;
  for (const [look, make] of items) {
    let item = kept.get(look);
    kept.delete(look);
    if (!item) {
      item = element('li', {}, make());
      item.look = look;
    }
    if (item === place) place = place.nextElementSibling;
    else list.insertBefore(item, place);
  }
  const hadFocus = [...kept.values()].some((item) => item.contains(document.activeElement));
  for (const item of kept.values()) item.remove();
  if (!hadFocus) return;
  const same = [...list.querySelectorAll('button')].find(
    ({ dataset }) => dataset.room === focused.room && dataset.nick === focused.nick,
  );
  same?.focus();
}
