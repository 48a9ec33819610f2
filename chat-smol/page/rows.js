// How an entry of the log looks.

import { element } from './dom.js';
import { summary } from './log.js';
import { day, fullTime, hour, hueOf, isSameDay } from './look.js';
import { piecesOf } from './text.js';

/** What one says within this time, in milliseconds, stands under one name. */
const GROUP = 300_000;

/**
 * Makes the row of an entry.
 * @param {import('./log.js').Log} log
 * @param {number} number
 */
export function rowOf(log, number) {
  const entry = log.at(number);
  const before = log.at(number - 1);
  const isUnread = number === log.unreadFrom;
  const isNewDay = !before || !isSameDay(before.time, entry.time);
  const isGrouped = !isNewDay && !isUnread && isGroup(before, entry);
  return element(
    'div',
    { class: `row ${entry.kind}${isGrouped ? ' grouped' : ''}${entry.mention ? ' mention' : ''}${entry.own ? ' own' : ''}` },
    isNewDay && element('h2', { class: 'day' }, day(entry.time)),
    isUnread && element('p', { class: 'unread-line' }, 'New messages'),
    ...inside(entry),
  );
}

/** Makes the row of what we have said and not yet seen come back. */
export function outgoingRow(outgoing, { again, drop }) {
  const { state, text, nick, time, why } = outgoing;
  const kind = outgoing.command === 'NOTICE' ? 'noticed' : outgoing.wrap('') ? 'acted' : 'said';
  const told = state === 'failed' ? `Not sent. ${why}` : state === 'waiting' ? 'Waiting for the connection' : 'Sending';
  return element(
    'div',
    { class: `row ${kind} own ${state === 'failed' ? 'failed' : 'pending'}` },
    ...inside({ kind, text, nick, time }),
    element('p', { class: 'state' }, told),
    state === 'failed' && element('button', { type: 'button', onclick: again }, 'Send again'),
    state === 'failed' && element('button', { type: 'button', onclick: drop }, 'Discard'),
  );
}

function isGroup(before, { kind, nick, time }) {
  return kind === 'said' && before.kind === 'said' && before.nick === nick && time - before.time < GROUP;
}

function inside(entry) {
  const when = element('time', { dateTime: new Date(entry.time).toISOString(), title: fullTime(entry.time) }, hour(entry.time));
  if (entry.kind === 'presence') {
    return [element('p', { class: 'words', 'aria-live': 'off' }, summary(entry.changes)), when];
  }
  if (entry.kind === 'note') return [element('p', { class: `words${entry.bad ? ' bad' : ''}` }, ...words(entry.text)), when];
  const who = nameOf(entry.nick || 'Server');
  return [who, when, element('p', { class: 'words', dir: 'auto' }, ...words(entry.text))];
}

/** Makes a name in its colour. */
export function nameOf(nick) {
  const name = element('bdi', { class: 'who' }, nick);
  name.style.setProperty('--hue', hueOf(nick));
  return name;
}

/** Makes a text with its links and styles. */
export function words(text) {
  return piecesOf(text).map(({ text: part, href, styles }) => {
    if (href?.startsWith('#')) return element('a', { href, class: styles.join(' ') || undefined }, part);
    if (href) {
      return element('a', { href, target: '_blank', rel: 'noopener noreferrer nofollow', class: styles.join(' ') || undefined }, part);
    }
    return styles.length ? element('span', { class: styles.join(' ') }, part) : part;
  });
}
