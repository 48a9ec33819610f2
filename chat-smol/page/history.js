// What was said while we were away, and before. <https://ircv3.net/specs/extensions/chathistory>

/** How many pages are asked for after an absence. The server keeps less than that. */
const MAX_PAGES = 100;

/**
 * Brings a room up to date. What is said meanwhile is held back by the caller.
 *
 * @param {import('./client.js').Client} client
 * @param {import('./rooms.js').Room} room
 * @param {(lines: import('./irc.js').Line[], stream: string) => void} show
 * @param {(text: string) => void} warn tells that something is missing
 */
export async function catchUp(client, room, show, warn) {
  const limit = pageLimit(client);
  const ask = (...params) => page(client, params);
  let seen = room.log.newestId();
  if (!seen) return show(messages(await ask('LATEST', room.name, '*', limit)), 'latest');

  // If the message that we have seen last is still there, then so is all that came after it.
  const around = await ask('AROUND', room.name, `msgid=${seen}`, 1);
  if (!around) return;
  if (around.some(({ command, params }) => command === 'NOTE' && params[1] === 'RESTARTED')) {
    warn('The server was started again: what was said just before may be missing.');
    return show(messages(await ask('LATEST', room.name, '*', limit)), 'after');
  }
  const [oldest] = messages(around);
  if (!oldest) warn('Everyone had left this room; it has begun anew.');
  else if (oldest.tags.get('msgid') !== seen) warn('You were away for long: some messages are missing here.');
  let next = await ask(...(oldest ? ['AFTER', room.name, `msgid=${seen}`, limit] : ['LATEST', room.name, '*', limit]));
  for (let pages = 1; next; pages++) {
    const found = messages(next);
    show(found, 'after');
    // A message may be several lines, so a page is full if it has at least so many.
    const id = found.at(-1)?.tags.get('msgid');
    if (!id || id === seen || found.length < limit || pages === MAX_PAGES) return;
    seen = id;
    next = await ask('AFTER', room.name, `msgid=${seen}`, limit);
  }
}

/** Asks for what was said before all that the page has. Returns null if there was no answer. */
export async function older(client, room) {
  const oldest = room.log.oldestId();
  const limit = pageLimit(client);
  const point = oldest ? ['BEFORE', room.name, `msgid=${oldest}`] : ['LATEST', room.name, '*'];
  const answer = await page(client, [...point, limit]);
  return answer && messages(answer);
}

function pageLimit(client) {
  return Number(client.limits.get('CHATHISTORY')) || 50;
}

function page(client, params) {
  return client.ask('CHATHISTORY', ...params).answer;
}

function messages(lines) {
  return (lines ?? []).filter(({ command }) => command === 'PRIVMSG' || command === 'NOTICE');
}
