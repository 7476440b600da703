// What scenarios are made of: a phone with WeChat's manners, the states that its page went through,
// everything that went wrong on it, and a way to ask the test for servers and tokens.
//
// Whatever a page reports as an error fails its scenario, unless the scenario said beforehand that
// it would come. Nothing here waits for time to pass: states are waited for, with a deadline.

import assert from 'node:assert/strict';
import { readFileSync, mkdirSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

/** How long a state may take on a busy machine. */
export const PATIENCE_MS = 20_000;
const SCENARIO_MS = 80_000;

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const WCAG = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];

/** An Android phone's WeChat. */
const WECHAT =
  'Mozilla/5.0 (Linux; Android 12; M2102J2SC) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 ' +
  'Chrome/107.0.5304.141 Mobile Safari/537.36 XWEB/5023 MMWEBSDK/20221012 ' +
  'MicroMessenger/8.0.30.2260(0x28001E3B) WeChat/arm64 Weixin NetType/WIFI Language/zh_CN';

// ---- The test beside: servers, tokens

const waiting = new Map();
createInterface({ input: process.stdin })
  .on('line', (line) => {
    const { id, ok, error } = JSON.parse(line);
    const { resolve, reject } = waiting.get(id);
    waiting.delete(id);
    error === undefined ? resolve(ok) : reject(new Error(error));
  })
  // The test is gone, and with it everything that could be asked.
  .on('close', () => process.exit(3));

let questions = 0;

/** Asks the test for something; answers come in whatever order. */
export function ask(what, given = {}) {
  return new Promise((resolve, reject) => {
    const id = (questions += 1);
    waiting.set(id, { resolve, reject });
    process.stdout.write(`@${JSON.stringify({ id, what, ...given })}\n`);
  });
}

export const say = (line) => process.stdout.write(`${line}\n`);

// ---- States, with a deadline

/** The first value of `state` that is not undefined, null or false. */
export async function until(what, state, within = PATIENCE_MS) {
  const end = performance.now() + within;
  for (;;) {
    const found = await state();
    if (found !== undefined && found !== null && found !== false) return found;
    if (performance.now() > end) throw new Error(`waited ${within} ms in vain for ${what}`);
    await new Promise((done) => setTimeout(done, 30));
  }
}

// ---- Phones

/** Reports each value of `data-code` of the message, also those that no frame shows. */
function watchMessages() {
  let last;
  const tell = (code) => {
    if (code && code !== last) globalThis.tellCode((last = code));
  };
  const current = () => document.querySelector('#message')?.getAttribute('data-code');
  new MutationObserver((changes) => {
    for (const change of changes) {
      if (change.type === 'attributes' && change.target.id === 'message') tell(change.oldValue);
    }
    tell(current());
  }).observe(document, {
    subtree: true, childList: true, attributes: true, attributeOldValue: true,
    attributeFilter: ['data-code'],
  });
}

/** One tab of one phone. */
export class Tab {
  codes = [];
  log = [];
  wrong = [];

  constructor(page, scenario) {
    this.page = page;
    this.scenario = scenario;
    this.message = page.locator('#message');
    page.on('console', (message) => {
      const line = `${message.type()}: ${message.text()} (${message.location().url})`;
      this.log.push(line);
      if (message.type() === 'error') this.complain(`console ${line}`);
    });
    page.on('pageerror', (error) => this.complain(`page error: ${error.stack ?? error}`));
    page.on('requestfailed', (request) => {
      const why = request.failure()?.errorText ?? '';
      const line = `request failed: ${request.method()} ${request.url()}: ${why}`;
      this.log.push(line);
      // A page that is left drops what it was fetching.
      const isLeft = why === 'net::ERR_ABORTED';
      if (!isLeft || ['script', 'stylesheet'].includes(request.resourceType())) {
        this.complain(line);
      }
    });
    page.on('response', (response) => {
      if (response.status() < 400) return;
      this.complain(`refused: ${response.status()} ${response.request().method()} ${response.url()}`);
    });
    page.on('request', (request) => {
      const url = new URL(request.url());
      const isOwn = url.protocol === 'data:' || url.hostname === '127.0.0.1';
      if (!isOwn) this.complain(`a request to somebody else: ${request.url()}`);
    });
  }

  complain(line) {
    this.log.push(line);
    this.wrong.push(line);
  }

  async open(url) {
    await this.page.goto(url, { waitUntil: 'domcontentloaded' });
    return this;
  }

  /** The code that the message has now. */
  code() {
    return this.message.getAttribute('data-code');
  }

  /** Waits for the message to have one of these codes; it is the present one. */
  async is(...codes) {
    const what = () => `${codes.join(' or ')}; seen: ${this.codes.join(' ')}`;
    const end = performance.now() + PATIENCE_MS;
    for (;;) {
      const code = await this.code().catch(() => null);
      if (codes.includes(code)) return code;
      assert.ok(performance.now() < end, `waited in vain for ${what()}`);
      await new Promise((done) => setTimeout(done, 30));
    }
  }

  /** Waits for this code to have come up since the `from`th. */
  async saw(code, from = 0) {
    const seen = () => this.codes.slice(from).includes(code);
    await until(`${code}`, seen).catch((error) => {
      throw new Error(`${error.message}; seen: ${this.codes.slice(from).join(' ')}`);
    });
  }

  async choose(...numbers) {
    for (const number of numbers) {
      await this.label(number).tap();
      assert.ok(await this.box(number).isChecked(), `choice ${number} was tapped`);
    }
  }

  box(number) {
    return this.page.locator(`#choice-${number}`);
  }

  /** What a finger meets of a choice. */
  label(number) {
    return this.page.locator(`label[for="choice-${number}"], label:has(#choice-${number})`).first();
  }

  /** The numbers that are ticked. */
  ticked() {
    return this.page.$$eval('input[id^="choice-"]:checked', (boxes) =>
      boxes.map((box) => Number(box.id.slice('choice-'.length))));
  }

  submit() {
    return this.page.locator('#submit').tap();
  }

  /** What the page says of the ballot; a dash as in `12-88342-17`. */
  receipt() {
    return until('a receipt', async () => {
      const text = await this.page.locator('#receipt').textContent();
      return /\d+-\d+-\d+/.exec(text ?? '')?.[0];
    });
  }

  text() {
    return this.page.evaluate(() => document.body.innerText);
  }

  stored(id) {
    return this.page.evaluate((key) => JSON.parse(localStorage.getItem(key)), `weir:${id}`);
  }

  /** Checks the page as it is by axe. */
  async axe(state) {
    await this.page.evaluate(AXE);
    const violations = await this.page.evaluate(async (tags) => {
      const found = await globalThis.axe.run(document, {
        runOnly: { type: 'tag', values: tags },
        resultTypes: ['violations'],
      });
      return found.violations.map(({ id, help, nodes }) =>
        `${id}: ${help}\n` + nodes.map((node) => `    ${node.html}\n    ${node.failureSummary}`).join('\n'));
    }, WCAG);
    assert.deepEqual(violations, [], `axe, ${state}:\n${violations.join('\n')}`);
  }

  /** That nothing needs to be scrolled sideways. */
  async fits(what) {
    const { wide, room, widest } = await this.page.evaluate(() => {
      const root = document.documentElement;
      const out = [...document.querySelectorAll('body *')]
        .map((element) => [element.getBoundingClientRect().right, element.outerHTML.slice(0, 120)])
        .sort((a, b) => b[0] - a[0]);
      return { wide: root.scrollWidth, room: root.clientWidth, widest: out[0] };
    });
    assert.ok(wide <= room, `${what}: ${wide} px wide in ${room}; widest: ${widest}`);
  }
}

/** A browser of one voter: its tabs share what it stores. */
export class Phone {
  tabs = [];

  constructor(context, scenario) {
    this.context = context;
    this.scenario = scenario;
  }

  async tab(url) {
    const page = await this.context.newPage();
    const tab = new Tab(page, this.scenario);
    this.tabs.push(tab);
    await page.exposeBinding('tellCode', (_, code) => tab.codes.push(code));
    await page.addInitScript(watchMessages);
    return url === undefined ? tab : tab.open(url);
  }
}

// ---- Scenarios

class Scenario {
  phones = [];
  expected = [];

  constructor(name, browser) {
    this.name = name;
    this.browser = browser;
  }

  /** Somebody's phone, new and empty. */
  async phone(options = {}) {
    const context = await this.browser.newContext({
      viewport: { width: 375, height: 812 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true,
      userAgent: WECHAT, locale: 'zh-CN', timezoneId: 'Asia/Shanghai', ...options,
    });
    context.setDefaultTimeout(PATIENCE_MS);
    const phone = new Phone(context, this);
    this.phones.push(phone);
    return phone;
  }

  /** A phone with this page open. */
  async opens(url, options = {}) {
    return (await this.phone(options)).tab(url);
  }

  /** Complaints that match are no failure. */
  expect(...patterns) {
    this.expected.push(...patterns);
  }

  complaints() {
    const tabs = this.phones.flatMap((phone) => phone.tabs);
    return tabs.flatMap((tab) => tab.wrong)
      .filter((line) => !this.expected.some((pattern) => pattern.test(line)));
  }

  async tell(error, folder) {
    const lines = [`FAILED ${this.name}: ${error.stack ?? error}`];
    for (const [index, tab] of this.phones.flatMap((phone) => phone.tabs).entries()) {
      const file = join(folder, `${this.name.replaceAll(/[^a-z0-9]+/gi, '-')}-${index + 1}.png`);
      await tab.page.screenshot({ path: file, fullPage: true, timeout: 5_000 }).catch(() => {});
      const text = await tab.text().catch((why) => `(no text: ${why.message})`);
      lines.push(`  tab ${index + 1}: ${tab.page.url()}, seen: ${tab.codes.join(' ')}`);
      lines.push(`  shot: ${file}`, ...tab.log.slice(-40).map((line) => `  | ${line}`));
      lines.push(...text.slice(0, 1_500).split('\n').map((line) => `  > ${line}`));
    }
    say(lines.join('\n'));
  }

  async close() {
    await Promise.all(this.phones.map((phone) => phone.context.close().catch(() => {})));
  }
}

/** Launches the one browser of a run. */
export function launch() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM,
    // Who is root has no sandbox.
    args: ['--no-sandbox', '--disable-gpu'],
  });
}

/** Runs scenarios, a few at a time, and ends with 1 if one failed. */
export async function run(scenarios, atOnce) {
  const folder = process.env.SHOTS;
  mkdirSync(folder, { recursive: true });
  const only = process.env.ONLY;
  const browser = await launch();
  const queue = scenarios.filter(([name]) => !only || name.includes(only));
  const count = queue.length;
  const failed = [];
  const began = performance.now();
  const runner = async () => {
    for (let next = queue.shift(); next; next = queue.shift()) {
      const [name, story] = next;
      const scenario = new Scenario(name, browser);
      const from = performance.now();
      const limit = new Promise((_, reject) => {
        const sentence = `${name} took more than ${SCENARIO_MS} ms`;
        setTimeout(() => reject(new Error(sentence)), SCENARIO_MS).unref();
      });
      try {
        await Promise.race([story(scenario), limit]);
        const wrong = scenario.complaints();
        assert.deepEqual(wrong, [], `the page complained:\n${wrong.join('\n')}`);
        say(`ok ${((performance.now() - from) / 1_000).toFixed(1)} s  ${name}`);
      } catch (error) {
        failed.push(name);
        await scenario.tell(error, folder);
      }
      await scenario.close();
    }
  };
  await Promise.all(Array.from({ length: atOnce }, runner));
  await browser.close();
  const seconds = ((performance.now() - began) / 1_000).toFixed(1);
  say(`${count} scenarios in ${seconds} s, failed: ${failed.join('; ') || 'none'}`);
  process.exit(failed.length === 0 ? 0 : 1);
}
