// Opening, closing and midnight while pages are open. Windows lie around now, so the first two come
// in real time; for midnight the server's clock is put forward, and the phone's is not: the page
// goes by the server's.

import assert from 'node:assert/strict';
import { until } from './kit.mjs';
import { campaign, quiet, server, tokens } from './sites.mjs';
import { checks, slip, votes } from './voting.mjs';

/** From the server's start: time for pages to open before, and to vote within. */
const OPENS_S = 6;
const CLOSES_S = 15;

async function window(s) {
  const at = Date.now();
  const origin = await server('window', () => ({
    campaigns: { window: campaign('window', { at, opens: OPENS_S, closes: CLOSES_S }) },
  }));
  const [ann, ben] = await tokens('window', 'window', ['ann', 'ben']);
  const [tab, idle] = await Promise.all([ann, ben].map((token) =>
    s.opens(`${origin}/campaigns/window#token=${token}`)));
  await Promise.all([tab.is('not_open'), idle.is('not_open')]);
  assert.ok(await tab.page.locator('#submit').isHidden() || await tab.page.locator('#submit').isDisabled());
  // It opens by itself.
  await votes(tab, 1, 2);
  await slip(tab, 1, 2);
  await idle.is('ready');
  await idle.choose(3);
  // It closes by itself; who has voted keeps the slip.
  await idle.is('closed');
  await idle.axe('closed');
  await checks(tab, 'counted');
  await slip(tab, 1, 2);
  const late = await s.opens(`${origin}/campaigns/window`);
  await late.is('closed');
  const board = await s.opens(`${origin}/campaigns/window/board`);
  await until('a final board', async () => (await board.page.locator('#mark').innerText()) === '最终结果');
  await board.axe('final board');
}

async function outside(s) {
  const origin = await quiet();
  const early = await s.opens(`${origin}/campaigns/early`);
  await early.is('not_open');
  await early.axe('not_open');
  const over = await s.opens(`${origin}/campaigns/over`);
  await over.is('closed');
  await over.axe('closed');
}

/** From the server's start to its midnight. */
const MIDNIGHT_S = 11;

async function midnight(s) {
  const HOUR_MS = 3_600_000;
  const zone = { zone: 'Asia/Shanghai', hours: 8 };
  const now = Date.now();
  const local = (now + zone.hours * HOUR_MS) % (24 * HOUR_MS);
  const ahead_s = Math.floor((24 * HOUR_MS - local) / 1_000) - MIDNIGHT_S;
  const text = campaign('midnight', { at: now + ahead_s * 1_000, opens: -3_600, zone });
  const origin = await server('midnight', () => ({ campaigns: { midnight: text }, ahead_s }));
  const [ann, ben, eve] = await tokens('midnight', 'midnight', ['ann', 'ben', 'eve']);
  const page = (token) => s.opens(`${origin}/campaigns/midnight#token=${token}`);
  const [tab, idle, slow] = await Promise.all([page(ann), page(ben), page(eve)]);
  await votes(tab, 1, 2);
  const first = await tab.stored('midnight');
  await Promise.all([idle.is('ready'), slow.is('ready')]);
  await idle.choose(5);

  // This ballot is on its way when midnight passes, and does not arrive.
  const days = [];
  let pass;
  const passed = new Promise((resolve) => { pass = resolve; });
  await slow.page.route('**/ballots', async (route) => {
    days.push(JSON.parse(route.request().postData()).day);
    await passed;
    return route.abort('connectionreset');
  });
  s.expect(/ERR_CONNECTION_RESET/, /\b40[39]\b/);
  await slow.choose(7);
  await slow.submit();
  await slow.is('sending');

  // A new day: who has voted may vote again.
  const from = tab.codes.length;
  await tab.saw('ready', from);
  pass();
  assert.deepEqual(await tab.ticked(), []);
  await votes(tab, 3, 4);
  const second = await tab.stored('midnight');
  assert.notEqual(second.day, first.day);
  await slip(tab, 3, 4);
  // Who had only chosen has the choices still, and votes on the new day.
  assert.deepEqual(await idle.ticked(), [5]);
  await idle.submit();
  await idle.is('received', 'reached', 'counted');
  assert.equal((await idle.stored('midnight')).day, second.day);
  // A ballot that was not confirmed stays one of its own day: the page says so, keeps the choices,
  // and never makes it the new day's.
  await slow.is('late');
  assert.deepEqual(days, days.map(() => first.day));
  assert.deepEqual(await slow.ticked(), [7]);
  await slow.axe('late');
}

export const times = [
  ['opening and closing pass while the page is open', window],
  ['midnight passes while the page is open', midnight],
  ['before the opening and after the close that is told', outside],
];
