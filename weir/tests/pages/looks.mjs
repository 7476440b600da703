// How the pages look and read: languages, sizes, a keyboard alone, what axe finds, old engines, a
// slow network, the board and the poster.

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { parse } from 'acorn';
import { say, until } from './kit.mjs';
import { CHANNELS, TITLES, campaign, demo, quiet, server, tokens } from './sites.mjs';
import { votes } from './voting.mjs';

const WEIGHT_MAX = 100 * 1_024;

async function language(s) {
  const origin = await quiet();
  const [token] = await tokens('quiet', 'open', ['english']);
  const tab = await s.opens(`${origin}/campaigns/open#token=${token}`);
  await tab.is('ready');
  const { page } = tab;
  assert.equal(await page.locator('html').getAttribute('lang'), 'zh-CN');
  await page.locator('#lang').tap();
  await page.waitForURL(/lang=en/);
  await tab.is('ready');
  assert.equal(await page.locator('html').getAttribute('lang'), 'en');
  assert.match(await page.locator('#submit').innerText(), /submit/i);
  assert.ok((await tab.text()).includes(TITLES[0]), 'cases keep their titles');
  await tab.axe('English');
  await tab.fits('English');
  await votes(tab, 1);
  assert.match(await tab.message.innerText(), /[a-z]{3}/i);
  await page.locator('#lang').tap();
  await page.waitForURL(/lang=zh/);
  assert.equal(await page.locator('html').getAttribute('lang'), 'zh-CN');
  // Without a wish, the browser's language decides.
  const english = await s.opens(`${origin}/campaigns/open`, { locale: 'en-GB' });
  assert.equal(await english.page.locator('html').getAttribute('lang'), 'en');
}

async function follow(s) {
  const origin = await quiet();
  const [stranger] = await tokens('quiet', 'follow', ['stranger'], true);
  const tab = await s.opens(`${origin}/campaigns/follow#token=${stranger}`);
  await tab.is('follow');
  // A ballot is not even sent.
  await tab.choose(2);
  await tab.submit();
  await tab.is('follow');
  assert.deepEqual(await tab.ticked(), [2]);
  await tab.axe('follow');
  const [follower] = await tokens('quiet', 'follow', ['follower']);
  const other = await s.opens(`${origin}/campaigns/follow#token=${follower}`);
  await votes(other, 1);
}

async function keyboard(s) {
  const origin = await quiet();
  const [token] = await tokens('quiet', 'open', ['keyboard']);
  const tab = await s.opens(`${origin}/campaigns/open#token=${token}`,
    { hasTouch: false, isMobile: false, viewport: { width: 1_024, height: 768 } });
  await tab.is('ready');
  const { page } = tab;
  const focused = () => page.evaluate(() => {
    const element = document.activeElement;
    const seen = [element, ...(element.labels ?? [])];
    const isMarked = seen.some((one) => {
      const style = getComputedStyle(one);
      return (style.outlineStyle !== 'none' && style.outlineWidth !== '0px') || style.boxShadow !== 'none';
    });
    const box = element.getBoundingClientRect();
    return { id: element.id, tag: element.tagName, isMarked, top: box.top, bottom: box.bottom };
  });
  const goTo = async (id) => {
    const passed = [];
    for (let presses = 0; presses < 60; presses += 1) {
      await page.keyboard.press('Tab');
      const now = await focused();
      passed.push(now.id || now.tag);
      if (now.tag !== 'BODY') assert.ok(now.isMarked, `the focus on ${now.id || now.tag} is seen`);
      if (now.id === id) return;
    }
    assert.fail(`Tab does not reach ${id}: ${passed}`);
  };
  await goTo('choice-1');
  await page.keyboard.press('Space');
  await goTo('choice-3');
  await page.keyboard.press('Space');
  assert.deepEqual(await tab.ticked(), [1, 3]);
  await goTo('submit');
  await page.keyboard.press('Enter');
  await tab.is('received', 'reached', 'counted');
  await tab.saw('reached');
  await goTo('check');
  await page.keyboard.press('Enter');
  await tab.is('counted');
}

async function small(s) {
  const origin = await demo();
  const page = `${origin}/campaigns/hubei-2023`;
  const open = async (url, width, scale) => {
    const tab = await s.opens(url, { viewport: { width, height: 640 } });
    await tab.page.waitForLoadState('load');
    if (scale) {
      await tab.page.evaluate((size) => { document.documentElement.style.fontSize = size; }, scale);
    }
    return tab;
  };
  for (const lang of ['zh', 'en']) {
    const narrow = await open(`${page}?lang=${lang}`, 320);
    await narrow.is('sign_in', 'ready');
    await narrow.fits(`320 px, ${lang}`);
    const large = await open(`${page}?lang=${lang}`, 375, '200%');
    await large.is('sign_in', 'ready');
    await large.fits(`text twice as large, ${lang}`);
    await votes(large, 1);
    await large.fits(`text twice as large, voted, ${lang}`);
    await (await open(`${page}/board?lang=${lang}`, 320)).fits(`board at 320 px, ${lang}`);
    await (await open(`${page}/board?lang=${lang}`, 375, '200%')).fits(`large board, ${lang}`);
  }
}

async function withoutScript(s) {
  const origin = await demo();
  const tab = await s.opens(`${origin}/campaigns/hubei-2023`, { javaScriptEnabled: false });
  const text = await tab.page.locator('body').innerText();
  for (const title of TITLES) assert.ok(text.includes(title), title);
  assert.match(text, /JavaScript/);
}

/** Everything that a first view loads, what it weighs, and how old an engine may be. */
async function weight(s) {
  const origin = await demo();
  for (const [path, ready] of [['', '#message:not([data-code=""])'], ['/board', '#ranking .rank']]) {
    for (const [what, kbits, rtt] of [['3G', 400, 400], ['4G', 1_600, 150]]) {
      const phone = await s.phone();
      const tab = await phone.tab();
      const devtools = await phone.context.newCDPSession(tab.page);
      let bytes = 0;
      const loading = new Set();
      devtools.on('Network.requestWillBeSent', ({ requestId, type }) => {
        // A stream has no end.
        if (type !== 'EventSource') loading.add(requestId);
      });
      devtools.on('Network.loadingFinished', ({ requestId, encodedDataLength }) => {
        loading.delete(requestId);
        bytes += encodedDataLength;
      });
      const rate = (kbits * 1_000) / 8;
      await devtools.send('Network.enable');
      await devtools.send('Network.emulateNetworkConditions',
        { offline: false, latency: rtt, downloadThroughput: rate, uploadThroughput: rate });
      await devtools.send('Emulation.setCPUThrottlingRate', { rate: 4 });
      const from = performance.now();
      await tab.open(`${origin}/campaigns/hubei-2023${path}`);
      await tab.page.locator(ready).first().waitFor();
      const usable = Math.round(performance.now() - from);
      await until('the end of all loading', () => loading.size === 0);
      const paint = await tab.page.evaluate(() =>
        Math.round(performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0));
      say(`   ${path || 'page'} on ${what} (${kbits} kbit/s, ${rtt} ms, CPU 4x): ` +
        `${(bytes / 1_024).toFixed(1)} KiB, first paint ${paint} ms, usable ${usable} ms`);
      assert.ok(bytes > 0 && bytes < WEIGHT_MAX, `${path}: ${bytes} bytes`);
    }
    const tab = await s.opens(`${origin}/campaigns/hubei-2023${path}`);
    const scripts = await tab.page.$$eval('script[src]', (found) => found.map((one) => one.src));
    assert.ok(scripts.length > 0);
    for (const script of scripts) {
      const text = await (await fetch(script)).text();
      parse(text, { ecmaVersion: 2018, sourceType: 'script' });
    }
  }
}

async function board(s) {
  const name = 'boarded';
  const origin = await server(name, () => ({ campaigns: { boarded: campaign('boarded') } }));
  const [token] = await tokens(name, 'boarded', ['ann']);
  const tab = await s.opens(`${origin}/campaigns/boarded/board`);
  const ballots = tab.page.locator('#ballots');
  await until('an empty board', async () => (await ballots.innerText()) === '0');
  await tab.axe('empty board');
  const voter = await s.opens(`${origin}/campaigns/boarded#token=${token}`);
  await votes(voter, 7);
  await until('the vote on the board', async () => (await ballots.innerText()) === '1');
  const first = tab.page.locator('#ranking > li').first().locator('.number');
  await until('its case on top', async () => (await first.textContent()).trim() === '7');
  await tab.axe('board');
  const pdf = await tab.page.pdf({ format: 'A4', printBackground: true });
  assert.equal(pdf.subarray(0, 5).toString(), '%PDF-');
  assert.ok(pdf.length > 10_000, `${pdf.length} bytes`);
}

async function hidden(s) {
  const origin = await quiet();
  s.expect(/\b403\b/);
  const tab = await s.opens(`${origin}/campaigns/hidden/board`);
  assert.match(await tab.page.locator('#notice').innerText(), /截止后公布|截止/);
  assert.ok(await tab.page.locator('#ballots').isHidden());
  await tab.axe('hidden board');
  // A voter still hears that the ballot has been reached, and what became of it.
  const [token] = await tokens('quiet', 'hidden', ['ann']);
  const voter = await s.opens(`${origin}/campaigns/hidden#token=${token}`);
  await votes(voter, 1);
  await voter.saw('reached');
  const tally = await fetch(`${origin}/v1/campaigns/hidden/tally`);
  assert.equal(tally.status, 403);
}

async function poster(s) {
  const origin = await quiet();
  const { posters } = await import('./poster.mjs');
  const phone = await s.phone({ isMobile: false, hasTouch: false, deviceScaleFactor: 1 });
  const read = await posters((await phone.tab()).page, origin, { id: 'open', channels: CHANNELS });
  say(`   ${read} pictures of posters were read`);
}

/** That what fails a scenario would be noticed. */
async function planted(s) {
  const origin = await quiet();
  const tab = await s.opens(`${origin}/campaigns/open`);
  await tab.is('sign_in');
  await tab.axe('as it is');
  await tab.page.evaluate(() => {
    document.documentElement.removeAttribute('lang');
    document.querySelector('#message').style.color = '#eee';
    document.querySelector('h1').style.width = '2000px';
  });
  await assert.rejects(tab.axe('broken'), /html-has-lang[^]*color-contrast|color-contrast[^]*html-has-lang/);
  await assert.rejects(tab.fits('broken'), /2\d{3} px wide in 375/);
  assert.deepEqual(s.complaints(), []);
  await tab.page.evaluate(() => {
    setTimeout(() => { throw new Error('planted'); });
    const style = document.createElement('style');
    style.textContent = 'body { color: red; }';
    document.head.append(style);
    return fetch('/nothing');
  });
  await until('complaints', () => s.complaints().length >= 3);
  for (const kind of [/planted/, /Content Security Policy/, /404 GET/]) {
    assert.ok(s.complaints().some((line) => kind.test(line)), `${kind}: ${s.complaints()}`);
  }
  s.expect(/planted/, /Content Security Policy/, /\b404\b/);
}

export const looks = [
  ['what goes wrong on a page is noticed', planted],
  ['what a first view weighs', weight],
  ['the board moves with a vote and prints', board],
  ['both languages', language],
  ['follow first', follow],
  ['a keyboard is enough', keyboard],
  ['320 pixels and large type', small],
  ['without JavaScript all can be read', withoutScript],
  ['hidden results stay hidden', hidden],
  ...(existsSync(new URL('poster.mjs', import.meta.url)) ? [['posters are read', poster]] : []),
];
