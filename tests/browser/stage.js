// What the tests need: the server, a network that can fail, pages and a client of text.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import net from 'node:net';
import { createInterface } from 'node:readline';
import { chromium } from 'playwright-core';

const PROGRAM = process.env.CHAT_SERVER;

export const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox'] });

/** The program, which can be killed and started again at the same addresses. */
export class Server {
  web = '127.0.0.1:0';
  text = '127.0.0.1:0';

  constructor(...options) {
    this.options = options;
  }

  async start() {
    const listen = ['--listen', `web=${this.web}`, '--listen', `text=${this.text}`, '--rate', 'off'];
    this.process = spawn(PROGRAM, [...this.options, ...listen], { stdio: ['ignore', 'pipe', 'ignore'] });
    const seen = {};
    for await (const line of createInterface(this.process.stdout)) {
      const [, what, address] = /^listening (\w+) (\S+)/.exec(line) ?? [];
      if (what) seen[what] = address;
      if (seen.web && seen.text) break;
    }
    Object.assign(this, seen);
    return this;
  }

  async kill() {
    this.process.kill(process.env.GENTLY ? 'SIGTERM' : 'SIGKILL');
    await once(this.process, 'exit');
  }
}

/** A network between a page and the server. While it is cut, nothing arrives and nobody is told. */
export class Network {
  #pairs = new Set();
  #isCut = false;

  async to(address) {
    const [host, port] = address.split(':');
    this.server = net.createServer({ pauseOnConnect: true }, (near) => {
      const far = net.connect(port, host);
      const pair = [near, far];
      this.#pairs.add(pair);
      for (const [one, other] of [pair, [far, near]]) {
        one.on('data', (data) => other.write(data));
        one.on('error', () => {});
        one.on('close', () => this.#isCut || (other.destroy(), this.#pairs.delete(pair)));
      }
      if (!this.#isCut) near.resume();
      else far.pause();
    });
    await once(this.server.listen(0, '127.0.0.1'), 'listening');
    this.address = `127.0.0.1:${this.server.address().port}`;
    return this;
  }

  cut() {
    this.#isCut = true;
    for (const socket of [...this.#pairs].flat()) socket.pause();
  }

  /** Connections that had been made before are gone. */
  heal() {
    this.#isCut = false;
    for (const socket of [...this.#pairs].flat()) socket.destroy();
    this.#pairs.clear();
  }

  close() {
    this.heal();
    this.server.close();
  }
}

/** Somebody with a plain socket. */
export class Peer {
  heard = '';

  static connect(address) {
    const peer = new Peer();
    const [host, port] = address.split(':');
    peer.socket = net.connect(port, host);
    peer.socket.setEncoding('utf8').on('data', (data) => (peer.heard += data)).on('error', () => {});
    return peer;
  }

  static async enter(server, name) {
    const peer = Peer.connect(server.text);
    await peer.hears('welcome');
    peer.says(`/name ${name}`);
    await peer.hears(`you are now ${name}`);
    return peer;
  }

  says(...lines) {
    this.socket.write(lines.map((line) => `${line}\n`).join(''));
  }

  async hears(text) {
    await until(() => this.heard.includes(text), `"${text}" among:\n${this.heard}`);
  }
}

export async function until(condition, what, patience = 20_000) {
  for (const end = Date.now() + patience; !(await condition()); await new Promise((done) => setTimeout(done, 20))) {
    if (Date.now() > end) throw new Error(`there is no ${what}`);
  }
}

/** Opens the page at an address, or a link, for somebody, who asks to enter. What the page complains of fails the test. */
export async function knock(address, name, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1100, height: 700 }, ...options });
  const page = await context.newPage();
  page.errors = [];
  page.on('pageerror', (error) => page.errors.push(error.stack));
  page.on('console', (it) => /Content Security|Refused/.test(it.text()) && page.errors.push(it.text()));
  page.setDefaultTimeout(20_000);
  await page.goto(address.startsWith('https://') ? address : `http://${address}/`);
  await page.getByRole('textbox', { name: 'Name', exact: true }).fill(name);
  await page.getByRole('button', { name: 'Enter' }).click();
  return page;
}

/** Opens the page for somebody who is let in. */
export async function enter(address, name, options) {
  const page = await knock(address, name, options);
  await has(page, 'status', new RegExp(`^Connected as ${name}$`));
  await page.getByRole('heading', { name: '#lobby' }).waitFor();
  return page;
}

export const field = (page) => page.getByRole('textbox', { name: 'Message', exact: true });
export const messages = (page) => page.getByRole('log', { name: 'Messages' });
export const rooms = (page) => page.getByRole('list', { name: 'Rooms' });
export const people = (page) => page.getByRole('list', { name: 'People' });

export async function say(page, text) {
  await field(page).fill(text);
  await field(page).press('Enter');
}

export const sees = (page, text) => messages(page).getByText(text, { exact: true }).first().waitFor();
export const has = (page, role, text) => page.getByRole(role).filter({ hasText: text }).waitFor();
