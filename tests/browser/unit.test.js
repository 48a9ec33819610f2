// The parts of the page that need no browser.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fold, format, parse, split } from '../../chat-smol/page/irc.js';
import { Log, summary } from '../../chat-smol/page/log.js';
import { mentions, piecesOf, plain } from '../../chat-smol/page/text.js';

test('lines are taken apart', () => {
  const line = parse('@time=1;label=a\\sb;+x :ann!~web@host PRIVMSG #tea :hello :there');
  assert.deepEqual([...line.tags], [['time', '1'], ['label', 'a b'], ['+x', '']]);
  assert.deepEqual([line.nick, line.isPerson, line.command, line.params], ['ann', true, 'PRIVMSG', ['#tea', 'hello :there']]);
  for (const text of ['', ' ', '@', ':', '@a', ':a b', 'PING :']) assert.ok(Array.isArray(parse(text).params), text);
});

test('no text becomes a line of its own', () => {
  assert.equal(format('', 'PRIVMSG', '#tea', 'a\r\nQUIT'), 'PRIVMSG #tea :a QUIT');
  assert.equal(format('7', 'TOPIC', '#tea', ''), '@label=7 TOPIC #tea :');
});

test('long messages are divided after spaces, and never inside of a character', () => {
  const words = 'word '.repeat(300).trim();
  const pieces = split(words, 'ann', '#tea');
  assert.ok(pieces.length > 1 && pieces.every((it) => it.length < 450));
  assert.equal(pieces.join(' '), words);
  assert.equal(split('😀'.repeat(400), 'ann', '#tea').join(''), '😀'.repeat(400));
});

test('names are compared in ASCII', () => assert.equal(fold('ÄnN'), 'Änn'));

test('links are those of http, without what ends the sentence', () => {
  const links = (text) => piecesOf(text).filter((it) => it.href).map((it) => it.text);
  assert.deepEqual(links('see https://a.org/b_(c)), http://d.org. javascript:x and #tea!'), ['https://a.org/b_(c)', 'http://d.org', '#tea']);
  assert.deepEqual(links('https:// file:///x data:x #'), []);
  assert.equal(piecesOf('a https://b.org c').map((it) => it.text).join(''), 'a https://b.org c');
  assert.equal(plain('\x02bold\x0f \x0304,12red'), 'bold red');
});

test('a name is mentioned as a word', () => {
  assert.ok(mentions('hi Ann!', 'ann') && mentions('a[b]: x', 'a[b]'));
  assert.ok(!mentions('hannah', 'ann') && !mentions('', ''));
});

const said = (id, text = id, stream) => [{ kind: 'said', id, nick: 'ann', text, time: 0 }, stream];

test('nothing is in a log twice, and a message of several lines is one', () => {
  const log = new Log();
  assert.ok(log.append(...said('a-1')));
  assert.ok(log.append(...said('a-2', 'one ')));
  assert.ok(!log.append(...said('a-2', 'two')));
  assert.ok(!log.append(...said('a-1')));
  assert.ok(!log.append(...said('a-2', 'one ', 'page')));
  assert.deepEqual([log.end, log.at(1).text, log.newestId(), log.oldestId()], [2, 'one two', 'a-2', 'a-1']);
});

test('older entries come first and no number changes', () => {
  const log = new Log();
  log.append(...said('a-5'));
  assert.ok(log.prepend([said('a-3')[0], said('a-4')[0], said('a-5')[0]]));
  assert.deepEqual([log.first, log.end, log.at(0).id, log.at(-2).id], [-2, 1, 'a-5', 'a-3']);
  assert.ok(!log.prepend([said('a-3')[0]]));
});

test('a log is bounded', () => {
  const log = new Log();
  for (let number = 0; number < 30_000; number++) log.append(...said(`a-${number}`));
  assert.ok(log.end === 30_000 && log.end - log.first <= 10_100);
});

test('joins and leaves are folded', () => {
  const change = (what, nick, to) => ({ what, nick, to });
  assert.equal(summary([change('join', 'ann'), change('join', 'bob'), change('leave', 'tom')]), 'ann and bob joined; tom left');
  assert.equal(summary([change('leave', 'ann'), change('join', 'ann')]), 'ann came back');
  assert.equal(summary([change('join', 'ann'), change('leave', 'ann')]), 'ann came and went');
  assert.equal(summary([change('rename', 'ann', 'zoe')]), 'ann is now zoe');
});
