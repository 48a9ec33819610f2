#!/usr/bin/env node
// Two clients written with the library irc-framework talk to each other and to a client of text. One loses its
// connection, comes back and catches up on what it has missed. They speak over WebSocket, as in a browser, if the third
// argument is its path.
'use strict';

const net = require('net');
const { Client } = require('irc-framework');

const [irc, text] = process.argv.slice(2, 4).map((address) => {
  const colon = address.lastIndexOf(':');
  return { host: address.slice(0, colon), port: Number(address.slice(colon + 1)) };
});

const path = process.argv[4];
const transport = require('irc-framework/src/transports/websocket');
const way = path ? { transport, path, websocket_protocol: 'text.ircv3.net' } : {};

// How long something may take to happen.
const PATIENCE = 20_000;

/** What somebody is shown, in order, and how far we have looked at it. */
class Screen {
  constructor(whose) {
    Object.assign(this, { whose, shown: [], seen: 0, wake: () => {} });
  }

  show(kind, event) {
    this.shown.push({ kind, event });
    this.wake();
  }

  /** Waits for an event of a kind that has these values, beyond those that we have looked at, and returns it. */
  async expect(kind, values = {}) {
    const first = this.seen;
    const end = Date.now() + PATIENCE;
    const isIt = (it) => it.kind === kind && Object.entries(values).every(([key, value]) => it.event[key] === value);
    for (;;) {
      while (this.seen < this.shown.length) {
        const it = this.shown[this.seen++];
        if (isIt(it)) return it.event;
      }
      if (Date.now() > end) {
        const lines = this.shown.slice(first).map((it) => `\n  ${it.kind} ${JSON.stringify(it.event)}`);
        const shown = lines.join('') || ' nothing';
        throw new Error(`${this.whose} was not shown ${kind} ${JSON.stringify(values)} but${shown}`);
      }
      await new Promise((resolve) => {
        this.wake = resolve;
        setTimeout(resolve, 100);
      });
    }
  }
}

/** A client of IRC, which asks for a name that may be another's. */
function connect(who, nick = who) {
  const screen = new Screen(`${who}, a client of irc-framework,`);
  const client = new Client();
  client.requestCap(['draft/chathistory', 'message-tags', 'batch', 'server-time', 'echo-message', 'standard-replies']);
  client.use((_, raw, parsed) => {
    parsed.use((kind, event, _client, next) => {
      screen.show(kind, event ?? {});
      next();
    });
  });
  client.connect({ ...irc, ...way, nick, username: who, gecos: `${who} the client`, auto_reconnect: false, version: null });
  return Object.assign(screen, { client });
}

/** A client of text: each line is an event. */
function open(whose) {
  const screen = new Screen(whose);
  const socket = net.connect(text);
  let rest = '';
  socket.setEncoding('utf8').on('data', (data) => {
    const lines = (rest + data).split(/\r?\n/);
    rest = lines.pop();
    lines.forEach((line) => screen.show(line, {}));
  });
  return Object.assign(screen, { say: (line) => socket.write(`${line}\n`), socket });
}

function check(isSo, what) {
  if (!isSo) throw new Error(what);
}

async function converse() {
  const jan = connect('jan');
  await jan.expect('registered', { nick: 'jan' });
  const caps = jan.client.network.cap.enabled;
  for (const cap of ['message-tags', 'batch', 'server-time', 'echo-message', 'draft/chathistory']) {
    check(caps.includes(cap), `the server should grant ${cap}, and grants ${caps}`);
  }

  // A name that somebody has.
  let kim = connect('kim', 'jan');
  await kim.expect('nick in use', { nick: 'jan' });
  kim.client.changeNick('kim');
  await kim.expect('registered', { nick: 'kim' });

  // Joining.
  jan.client.join('#quay');
  await jan.expect('join', { nick: 'jan', channel: '#quay' });
  jan.client.setTopic('#quay', 'Ships');
  await jan.expect('topic', { nick: 'jan', channel: '#quay', topic: 'Ships' });
  kim.client.join('#quay');
  await jan.expect('join', { nick: 'kim', channel: '#quay' });
  await kim.expect('topic', { channel: '#quay', topic: 'Ships' });
  const { when } = await kim.expect('topicsetby', { channel: '#quay', nick: 'jan' });
  check(Math.abs(when - Date.now() / 1000) < 60, `the topic was set now, not at ${when}`);
  const { users } = await kim.expect('userlist', { channel: '#quay' });
  const signs = users.map((user) => `${user.modes.join('')} ${user.nick}`).join();
  check(signs === 'o jan, kim', `jan and kim should be in the channel, not ${signs}`);
  const tim = open('tim, a client of text,');
  tim.say('/name tim');
  tim.say('/join quay');
  await kim.expect('join', { nick: 'tim', channel: '#quay' });

  // Talking. Whoever says something is shown it, too: that is echo-message.
  jan.client.say('#quay', 'Ahoy, kim');
  jan.client.action('#quay', 'waves');
  for (const other of [kim, jan]) {
    const said = await other.expect('privmsg', { nick: 'jan', target: '#quay', message: 'Ahoy, kim' });
    check(said.tags.msgid && Math.abs(said.time - Date.now()) < 60_000, `a message has an id and a time: ${said.tags}`);
    await other.expect('action', { nick: 'jan', target: '#quay', message: 'waves' });
  }
  await tim.expect('jan: Ahoy, kim');
  await tim.expect('** jan waves');
  tim.say('ahoy there');
  await jan.expect('privmsg', { nick: 'tim', target: '#quay', message: 'ahoy there' });
  kim.client.notice('jan', 'psst');
  await jan.expect('notice', { nick: 'kim', target: 'jan', message: 'psst' });
  jan.client.tagmsg('#quay', { '+typing': 'active' });
  await kim.expect('tagmsg', { nick: 'jan', target: '#quay' });

  // Operators.
  kim.client.raw('KICK', '#quay', 'tim', 'no');
  await kim.expect('irc error', { error: 'chanop_privs_needed', channel: '#quay' });
  jan.client.mode('#quay', '+o', 'kim');
  await kim.expect('mode', { nick: 'jan', target: '#quay', raw_modes: '+o' });
  kim.client.raw('KICK', '#quay', 'tim', 'closing');
  await jan.expect('kick', { nick: 'kim', kicked: 'tim', channel: '#quay', message: 'closing' });
  await tim.expect('* kim kicked you out of quay ("closing")');
  tim.say('/join quay');
  await jan.expect('join', { nick: 'tim', channel: '#quay' });

  // Kim's connection is lost. Jan and tim go on talking, more than is shown in one answer.
  jan.client.say('#quay', 'the last before');
  const last = await kim.expect('privmsg', { nick: 'jan', message: 'the last before' });
  kim.client.connection.end();
  await jan.expect('quit', { nick: 'kim' });
  const missed = [];
  for (let number = 0; number < 12; number++) {
    const words = `missed ${number}`;
    missed.push(words);
    jan.client.say('#quay', words);
    await jan.expect('privmsg', { nick: 'jan', message: words });
  }
  tim.say('missed by text');
  missed.push('missed by text');
  await jan.expect('privmsg', { nick: 'tim', message: 'missed by text' });

  // She comes back, and asks page by page for what came after the last message that she has seen.
  kim = connect('kim');
  await kim.expect('registered', { nick: 'kim' });
  kim.client.join('#quay');
  await kim.expect('userlist', { channel: '#quay' });
  jan.client.say('#quay', 'live again');
  const live = await kim.expect('privmsg', { message: 'live again' });
  check(!live.batch, 'what is said now is in no batch');
  const caughtUp = [];
  let after = last.tags.msgid;
  for (;;) {
    kim.client.raw('CHATHISTORY', 'AFTER', '#quay', `msgid=${after}`, '5');
    const { commands } = await kim.expect('batch end chathistory');
    if (commands.length === 0) break;
    for (const { params, tags } of commands) {
      check(params[0] === '#quay' && tags.time, `a message of the past has its channel and its time: ${params}`);
      caughtUp.push({ words: params[1], id: tags.msgid });
      after = tags.msgid;
    }
  }
  const words = caughtUp.map((message) => message.words).join('|');
  const all = [...missed, 'live again'].join('|');
  check(words === all, `kim should catch up on\n  ${all}\nand did on\n  ${words}`);
  check(caughtUp.at(-1).id === live.tags.msgid, 'a message has the same id live and in the past');
  check(new Set(caughtUp.map((message) => message.id)).size === caughtUp.length, 'no two messages have the same id');

  // Who is who; then they go.
  kim.client.whois('jan');
  const whois = await kim.expect('whois', { nick: 'jan' });
  check(whois.real_name === 'jan the client' && whois.channels === '@#quay', `whois says ${JSON.stringify(whois)}`);
  kim.client.part('#quay', 'enough');
  await jan.expect('part', { nick: 'kim', channel: '#quay', message: 'enough' });
  kim.client.join('#quay');
  await jan.expect('join', { nick: 'kim', channel: '#quay' });
  kim.client.quit('gone');
  await jan.expect('quit', { nick: 'kim', message: 'Quit: gone' });
  tim.say('/quit');
  await jan.expect('quit', { nick: 'tim' });
  jan.client.quit();
}

converse().then(
  () => process.exit(0),
  (error) => {
    console.error(error.message);
    process.exit(1);
  },
);
