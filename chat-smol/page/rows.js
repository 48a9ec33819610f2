import { element } from './dom.js';
import { summary } from './log.js';
import { piecesOf } from './text.js';

const GROUP = 300_000;

const STATES = { waiting: 'Waits for the connection', sent: 'Pending', unsure: 'Pending' };

const HOUR = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });
const DAY = new Intl.DateTimeFormat(undefined, { dateStyle: 'full' });

export function rowOf(log, number) {
	const entry = log.at(number);
	const before = log.at(number - 1);
	const isUnread = number === log.unreadFrom;
	const isNewDay = !before || new Date(before.time).toDateString() !== new Date(entry.time).toDateString();
	const isGrouped = !isNewDay && !isUnread && entry.kind === 'said' && before.kind === 'said' &&
		before.nick === entry.nick && entry.time - before.time < GROUP;
	return element(
		'div',
		{ class: `row ${entry.kind}${isGrouped ? ' grouped' : ''}${entry.mention ? ' mention' : ''}` },
		isNewDay && element('h2', {}, DAY.format(entry.time)),
		isUnread && element('p', { class: 'unread-line' }, 'New messages'),
		...inside(entry),
	);
}

export function outgoingRow({ isAction, state, why, ...said }, again, drop) {
	const isFailed = state === 'failed';
	return element(
		'div',
		{ class: `row ${isAction ? 'acted' : 'said'} ${isFailed ? 'failed' : 'pending'}` },
		...inside(said),
		element('p', { class: 'state' }, isFailed ? `Not sent. ${why}` : STATES[state]),
		isFailed && element('button', { onclick: again }, 'Send again'),
		isFailed && element('button', { onclick: drop }, 'Discard'),
	);
}

function inside({ kind, nick, text, time, bad, changes }) {
	const when = element('time', { datetime: new Date(time).toISOString(), title: DAY.format(time) }, HOUR.format(time));
	if (changes) return [element('p', { 'aria-live': 'off' }, summary(changes)), when];
	const said = element('p', { dir: 'auto', class: bad && 'bad' }, ...words(text));
	return kind === 'note' ? [said, when] : [nameOf(nick || 'Server'), when, said];
}

export function nameOf(nick) {
	const name = element('bdi', { class: 'who' }, nick);
	name.style.setProperty('--hue', hueOf(nick));
	return name;
}

function hueOf(nick) {
	let hash = 0;
	for (const character of nick.toLowerCase()) hash = Math.imul(hash ^ character.codePointAt(0), 0x9e3779b1);
	return (hash >>> 16) % 360;
}

export const words = (text) =>
	piecesOf(text).map((it) => {
		if (!it.href) return it.text;
		const outside = it.href[0] !== '#' && { target: '_blank', rel: 'noreferrer' };
		return element('a', { href: it.href, ...outside }, it.text);
	});
