const MAX_PAGES = 100;

export async function catchUp(client, room, show, warn) {
	let seen = room.log.newestId();
	if (!seen) return show(messages(await page(client, 'LATEST', room)), false);

	// If the message seen last is still there, then so is all that came after it.
	const around = await page(client, 'AROUND', room, seen, 1);
	if (!around) return;
	const [oldest] = messages(around);
	const isRestarted = around.some(({ command }) => command === 'NOTE');
	if (isRestarted) warn('The server was started again: what was said just before may be missing.');
	else if (!oldest) warn('Everyone had left this room; it has begun anew.');
	else if (idOf(oldest) !== seen) warn('You were away for long: messages are missing here.');
	if (isRestarted || !oldest) return show(messages(await page(client, 'LATEST', room)), true);

	for (let pages = 0; pages < MAX_PAGES; pages++) {
		const found = messages(await page(client, 'AFTER', room, seen));
		show(found, true);
		// A long message is several lines, so a full page has as many lines at least.
		if (found.length < client.page) return;
		seen = idOf(found.at(-1));
	}
}

export async function older(client, room) {
	const oldest = room.log.oldestId();
	const lines = await page(client, oldest ? 'BEFORE' : 'LATEST', room, oldest);
	return lines && messages(lines);
}

function page(client, what, room, from, limit = client.page) {
	return client.ask('CHATHISTORY', what, room.name, from ? `msgid=${from}` : '*', String(limit)).answer;
}

const messages = (lines = []) => lines.filter(({ command }) => command === 'PRIVMSG' || command === 'NOTICE');

const idOf = ({ tags }) => tags.get('msgid');
