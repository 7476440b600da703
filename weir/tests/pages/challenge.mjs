// The challenge that a ballot meets which comes in an unusual way: the phone works by itself, and a
// captcha is a page from which the voter comes back.

import assert from 'node:assert/strict';
import { until } from './kit.mjs';
import { quiet, tally, tokens } from './sites.mjs';

/** Asks so often that it is noted. */
async function hurry(tab, id) {
  await tab.page.evaluate(async (path) => {
    const headers = { 'Content-Type': 'application/json' };
    for (let time = 0; time < 8; time += 1) {
      await fetch(path, { method: 'POST', headers, body: '{"choices":[0]}' });
    }
  }, `/v1/campaigns/${id}/ballots`);
}

async function arrives(s, id, name, options) {
  const origin = await quiet();
  const [token] = await tokens('quiet', id, [name]);
  const tab = await s.opens(`${origin}/campaigns/${id}#token=${token}`, options);
  await tab.is('ready');
  return { origin, tab };
}

const asked = (tab) => tab.scenario.expect(/\b(403|422)\b/);

export const challenge = [
  ['a phone works by itself for a ballot that comes in an unusual way', async (s) => {
    const { origin, tab } = await arrives(s, 'work', 'hasty');
    asked(tab);
    let scripts = 0;
    tab.page.on('request', (request) => {
      scripts += Number(request.url().includes('/assets/work.'));
    });
    await hurry(tab, 'work');
    await tab.choose(3, 4);
    assert.equal(scripts, 0, 'nobody fetches the work before it is asked for');
    await tab.submit();
    await tab.saw('received');
    assert.ok(tab.codes.includes('challenge'), tab.codes.join(' '));
    assert.equal(scripts, 1);
    await until('the ballot in the tally', async () => (await tally(origin, 'work')).ballots === 1);
  }],

  ['a captcha keeps the ballot and sends it when the voter comes back', async (s) => {
    const { tab } = await arrives(s, 'open', 'doubted', { locale: 'en-GB' });
    asked(tab);
    // A server that asks for a captcha; the real one then takes the ballot.
    const solutions = [];
    await tab.page.route('**/v1/campaigns/open/ballots', (route) => {
      const solution = route.request().headers()['weir-challenge'];
      solutions.push(solution);
      if (solution) return route.continue();
      const challenge = { kind: 'captcha', page_url: 'https://127.0.0.1:1443/check?site=1' };
      const json = { code: 'challenge_required', detail: 'no', challenge };
      return route.fulfill({ status: 403, json, contentType: 'application/problem+json' });
    });
    let came;
    await tab.page.route('https://127.0.0.1:1443/**', (route) => {
      came = new URL(route.request().url());
      const back = "new URLSearchParams(location.search).get('return') + '#captcha=P1_a.b-c'";
      const body = `<!doctype html><script>location.replace(${back})</script>`;
      route.fulfill({ contentType: 'text/html', body });
    });
    await tab.choose(5, 9);
    await tab.submit();
    await tab.is('challenge');
    await tab.axe('a captcha is asked for');
    await tab.fits('a captcha is asked for');
    const link = tab.page.locator('#to-captcha');
    assert.equal(await tab.page.evaluate(() => document.activeElement.id), 'to-captcha');
    const before = tab.page.url();
    await link.tap();
    await tab.saw('received');
    assert.equal(came.searchParams.get('site'), '1');
    assert.equal(came.searchParams.get('return'), before);
    assert.deepEqual(solutions, [undefined, 'captcha P1_a.b-c']);
    assert.ok(!tab.page.url().includes('#'), tab.page.url());
  }],

  ['a response that nobody waits for sends nothing', async (s) => {
    const { tab } = await arrives(s, 'open', 'lured');
    await tab.choose(7);
    await tab.open(`${tab.page.url().split('#')[0]}?x#captcha=evil`);
    await tab.is('ready');
    assert.deepEqual(await tab.ticked(), [7]);
    assert.ok(!tab.codes.includes('sending'), tab.codes.join(' '));
  }],
];
