// Whoever is kept out is told why, in words.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, afterEach, test } from 'node:test';
import { Peer, Server, browser, enter, has, knock, messages, say, sees, until } from './stage.js';

/** The hash of `sesame`. */
const HASH = '$argon2id$v=19$m=19456,t=2,p=1$toOuv6CUBBJXOZo7xqoN8A$skY2C644+5MRbGa2NjwyHLLX9WeN5i2JmJbgg8Z4p60';

const folder = mkdtempSync(path.join(tmpdir(), 'page-'));
let server;

after(async () => {
  await browser.close();
  rmSync(folder, { recursive: true });
});
afterEach(async () => {
  await Promise.all(browser.contexts().map((context) => context.close()));
  await server.kill();
});

/** Starts a server with these options, and a file with this text. */
async function start(text = '', ...options) {
  const file = path.join(folder, 'chat.toml');
  writeFileSync(file, text);
  server = await new Server('--config', file, ...options).start();
}

const alerted = (page, text) => page.getByRole('alert').filter({ hasText: text }).waitFor();

test('a server with a password asks for it, until it is right, and once for a tab', async () => {
  await start(`[irc]\npassword = "${HASH}"\n`);
  const ann = await knock(server.web, 'ann');
  await alerted(ann, 'This server has a password.');
  const password = ann.getByLabel('Password');
  await password.fill('xyzzy');
  await password.press('Enter');
  await alerted(ann, 'That is not the password of this server.');
  await password.fill('sesame');
  await password.press('Enter');
  await has(ann, 'status', 'Connected as ann');
  await ann.reload();
  await has(ann, 'status', 'Connected as ann');
  assert.deepEqual(ann.errors, []);
});

test('a name that another has is refused, and one that cannot be', async () => {
  await start();
  const ann = await enter(server.web, 'ann');
  const other = await knock(server.web, 'ann');
  await alerted(other, 'ann: Nickname is already in use');
  for (const name of ['server', 'a b', 'guest-7']) {
    await other.getByLabel('Name').fill(name);
    await other.getByLabel('Name').press('Enter');
    await alerted(other, new RegExp(`^${name}: .{5}`));
  }
});

test('rooms say why nobody may enter, and who has put one out', async () => {
  await start();
  const ann = await enter(server.web, 'ann1');
  const bob = await enter(server.web, 'bob1');
  await say(ann, '/join tea');
  await ann.getByRole('heading', { name: '#tea' }).waitFor();
  for (const [mode, why] of [
    ['i', 'only who is invited may enter'],
    ['k sesame', 'it has a key. Write /join ROOM KEY'],
    ['l 1', 'it is full'],
    ['b bob1', 'you are banned there'],
  ]) {
    await say(ann, `/mode +${mode}`);
    await messages(ann).getByText(`ann1 set +${mode}`).first().waitFor();
    await say(bob, '/join tea');
    await alerted(bob, `You cannot enter #tea: ${why}.`);
    await say(ann, `/mode -${mode}`);
    await messages(ann).getByText(`ann1 set -${mode[0]}`).first().waitFor();
  }
  await say(ann, '/mode +k sesame');
  await say(bob, '/join tea sesame');
  await bob.getByRole('heading', { name: '#tea' }).waitFor();
  await say(ann, '/kick bob1 enough');
  await sees(bob, 'ann1 put you out of #tea (enough)');
});

test('who is put out of the server is told so, and does not come back by itself', async () => {
  await start(`[[operator]]\nname = "root"\npassword = "${HASH}"\n`, '--listen', 'irc=127.0.0.1:0');
  const ann = await enter(server.web, 'ann');
  const root = Peer.connect(server.irc);
  root.says('NICK root', 'USER root 0 * :root', 'OPER root sesame');
  await root.hears(' 381 ');
  root.says('KILL ann :enough of this');
  await alerted(ann, 'root has put you out of the chat: enough of this');
  await ann.waitForTimeout(1_000);
  assert.equal(await ann.getByRole('button', { name: 'Enter' }).isVisible(), true);
});

test('a full server says so', async () => {
  await start('', '--max-sessions', '12');
  const ann = await knock(server.web, '');
  // The connections that brought the page are closed, or the browser would ask over one of them.
  await ann.waitForTimeout(17_000);
  for (let peer; !peer?.heard.includes('the server is full'); ) {
    peer = Peer.connect(server.text);
    await until(() => peer.heard, 'answer');
  }
  await ann.getByLabel('Name').fill('ann');
  await ann.getByLabel('Name').press('Enter');
  await has(ann, 'status', 'server is full');
});
