// The page in TLS.

import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, test } from 'node:test';
import { browser, enter, say, sees } from './stage.js';

const PROGRAM = process.env.CHAT_SERVER;
const directory = mkdtempSync(join(tmpdir(), 'chat-tls-'));
let server;

after(async () => {
  await browser.close();
  server?.kill();
  rmSync(directory, { recursive: true });
});

test('two pages talk in TLS', async () => {
  execFileSync(PROGRAM, ['self-signed', directory]);
  const files = ['--tls-certificate', join(directory, 'certificate.pem'), '--tls-key', join(directory, 'key.pem')];
  server = spawn(PROGRAM, ['--listen', 'web+tls=127.0.0.1:0', ...files], { stdio: ['ignore', 'pipe', 'ignore'] });
  const [line] = await once(createInterface(server.stdout), 'line');
  const link = `https://${line.split(' ').at(-1)}/`;
  const [ann, bob] = [await enter(link, 'ann', { ignoreHTTPSErrors: true }), await enter(link, 'bob', { ignoreHTTPSErrors: true })];
  await say(ann, 'hello from ann');
  await sees(bob, 'hello from ann');
  assert.equal(await ann.evaluate(() => location.protocol), 'https:');
  for (const page of [ann, bob]) {
    assert.deepEqual(page.errors, []);
    await page.context().close();
  }
});
