// Voting: from a scanned code to the counted ballot, and everything that voters, their phones,
// their networks and a dying server do to it on the way. A ballot is counted once, and the page
// says what became of it.

import assert from 'node:assert/strict';
import { ask, until } from './kit.mjs';
import { TITLES, campaign, demo, quiet, server, tally, tokens } from './sites.mjs';

const REFUSED = (status) => new RegExp(`\\b${status}\\b`);

/** Votes and waits until the page says that the ballot is safe. */
async function votes(tab, ...choices) {
  // A demo voter becomes one by submitting.
  await tab.is('ready', 'sign_in');
  await tab.choose(...choices);
  const from = tab.codes.length;
  await tab.submit();
  await tab.saw('received', from);
  await tab.is('received', 'reached', 'counted');
}

/** Asks by the button what became of the ballot, until the count has read it. */
async function checks(tab, ...outcomes) {
  const isTold = async () => outcomes.includes(await tab.code());
  const note = tab.page.locator('#check-note');
  await until(outcomes.join(' or '), async () => {
    if (await isTold()) return true;
    await tab.page.locator('#check').tap();
    // Empty, or "asking".
    const hasAnswer = async () => !/^$|……$/.test(await note.textContent());
    await until('an answer to the check', async () => (await isTold()) || hasAnswer());
    return isTold();
  });
}

/** The slip shows exactly these choices. */
async function slip(tab, ...choices) {
  const titles = choices.map((number) => TITLES[number - 1]);
  const shown = () => tab.page.locator('#slip-choices li').allTextContents();
  await until(`a slip with ${choices}`, async () => {
    const lines = await shown();
    return lines.length === titles.length && titles.every((title) => lines.some((line) => line.includes(title)));
  }).catch(async (error) => { throw new Error(`${error.message}; shown: ${await shown()}`); });
}

async function counted(origin, id, ballots, duplicates) {
  await until(`${ballots} ballots, ${duplicates} duplicates`, async () => {
    const now = await tally(origin, id);
    return now.ballots === ballots && now.outcomes.duplicate === duplicates;
  });
}

/** A phone of one who has a token of the campaign `open`. */
async function voter(s, name, options) {
  const origin = await quiet();
  const [token] = await tokens('quiet', 'open', [name]);
  const url = `${origin}/campaigns/open#token=${token}`;
  return { origin, url, tab: await s.opens(url, options) };
}

async function scanned(s) {
  const origin = await demo();
  const tab = await s.opens(`${origin}/campaigns/hubei-2023?c=poster`);
  await tab.is('ready', 'sign_in');
  const text = await tab.text();
  for (const title of TITLES) assert.ok(text.includes(title), title);
  assert.ok(await tab.page.locator('#demo-notice').isVisible());
  await tab.axe('ready');
  await tab.choose(1, 5, 7);
  assert.match(await tab.page.locator('#count').innerText(), /3/);
  const from = tab.codes.length;
  await tab.submit();
  await tab.saw('received', from);
  await tab.saw('reached', from);
  const receipt = await tab.receipt();
  await tab.axe('reached');
  await checks(tab, 'counted');
  await slip(tab, 1, 5, 7);
  await tab.axe('counted');
  const stored = await tab.stored('hubei-2023');
  assert.deepEqual([stored.receipt, stored.choices], [receipt, [1, 5, 7]]);
  const cookies = await tab.page.context().cookies();
  const cookie = cookies.find(({ name }) => name === 'weir-hubei-2023');
  assert.ok(cookie?.httpOnly && cookie.sameSite === 'Lax', JSON.stringify(cookies));
  await tab.page.reload();
  await slip(tab, 1, 5, 7);
  assert.equal(await tab.receipt(), receipt);
}

async function byToken(s) {
  const { tab } = await voter(s, 'by-token');
  await votes(tab, 2, 3);
  assert.ok(!tab.page.url().includes('token='), `the token stays in ${tab.page.url()}`);
  await checks(tab, 'counted');
  await slip(tab, 2, 3);
}

async function noToken(s) {
  const origin = await quiet();
  const tab = await s.opens(`${origin}/campaigns/open`);
  await tab.is('sign_in');
  assert.ok((await tab.text()).includes(TITLES[19]), 'all is readable without signing in');
  await tab.axe('sign_in');
  s.expect(REFUSED(401));
  const forged = await s.opens(`${origin}/campaigns/open#token=${'A'.repeat(58)}`);
  await forged.is('sign_in');
}

/** Any website may open an address with somebody's token in it, or a word about signing in. */
async function lured(s) {
  const { origin, tab } = await voter(s, 'led-astray');
  const page = `${origin}/campaigns/open`;
  const [phone] = s.phones;
  await votes(tab, 4);
  await checks(tab, 'counted');
  const receipt = await tab.receipt();
  const [other] = await tokens('quiet', 'open', ['luring']);
  // Asked for the first one's receipt, the server has none for the other one.
  s.expect(REFUSED(409), REFUSED(404));
  const lure = await phone.tab(`${page}#token=${other}`);
  const question = lure.page.locator('#replace');
  await question.waitFor();
  await lure.is('counted');
  assert.equal(await lure.receipt(), receipt, 'whoever is signed in still is');
  await lure.axe('asked whether to be somebody else');
  await lure.page.locator('#replace-no').tap();
  await question.waitFor({ state: 'hidden' });
  // This tab has not left to sign in: nothing is forgotten.
  const told = await phone.tab(`${page}#login=ok`);
  await told.is('counted');
  await told.page.goto(`${page}#login=failed`);
  await until('the word to be gone', () => !told.page.url().includes('#'));
  await told.is('counted');
  assert.equal((await told.stored('open')).receipt, receipt);
  // Who says so becomes the other one.
  const wanted = await phone.tab(`${page}#token=${other}`);
  await wanted.page.locator('#replace-yes').tap();
  await wanted.is('ready');
  assert.ok(await wanted.page.locator('#replace').isHidden());
  await votes(wanted, 5);
  await slip(wanted, 5);
}

async function tooMany(s) {
  const { tab } = await voter(s, 'too-many');
  await tab.is('ready');
  await tab.choose(...Array.from({ length: 10 }, (_, index) => index + 1));
  await tab.label(11).tap({ force: true });
  assert.equal((await tab.ticked()).length, 10);
  assert.match(await tab.page.locator('#count').innerText(), /10/);
  await tab.axe('ten chosen');
  // One less, and there is room for another.
  await tab.label(1).tap();
  await tab.choose(11);
  assert.deepEqual(await tab.ticked(), [2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
}

async function tooFew(s) {
  const { tab } = await voter(s, 'too-few');
  await tab.is('ready');
  await tab.submit();
  await tab.is('too_few');
  await tab.axe('too_few');
  await tab.choose(20);
  await votes(tab);
}

async function secondPhone(s) {
  const { tab, url } = await voter(s, 'second-phone');
  const other = await s.opens(url);
  await other.is('ready');
  await votes(tab, 1, 2);
  s.expect(REFUSED(409));
  await other.choose(3);
  await other.submit();
  await other.is('already_voted');
  await slip(other, 1, 2);
  assert.equal(await other.receipt(), await tab.receipt());
  await other.axe('already_voted');
  // A third one sees it at once.
  const third = await s.opens(url);
  await slip(third, 1, 2);
  await checks(third, 'counted');
}

async function twoTabs(s) {
  const { tab, url } = await voter(s, 'two-tabs');
  const other = await s.phones[0].tab(url);
  await other.is('ready');
  await other.choose(9);
  // There is one ballot on this phone, whichever tab shows it.
  await until('the choice in the other tab', async () => `${await tab.ticked()}` === '9');
  await votes(tab, 1, 2);
  await other.is('received', 'reached', 'already_voted');
  for (const one of [tab, other]) await slip(one, 1, 2, 9);
  assert.equal(await other.receipt(), await tab.receipt());
}

/** Both tabs submit at once, one of them an older choice: one ballot, and both show it. */
async function raced(s) {
  const { tab, url } = await voter(s, 'raced');
  const other = await s.opens(url);
  await Promise.all([tab.is('ready'), other.is('ready')]);
  await tab.choose(1);
  await other.choose(2);
  s.expect(REFUSED(409));
  await Promise.all([tab.submit(), other.submit()]);
  const ends = ['received', 'reached', 'already_voted'];
  await Promise.all([tab.is(...ends), other.is(...ends)]);
  // The edge may not have remembered the first when the second came: then the count tells.
  await Promise.all([checks(tab, 'counted', 'duplicate'), checks(other, 'counted', 'duplicate')]);
  await until('one receipt', async () => (await tab.receipt()) === (await other.receipt()));
}

async function back(s) {
  const { tab, origin } = await voter(s, 'back');
  await votes(tab, 4, 5);
  const receipt = await tab.receipt();
  await tab.page.locator('#board-link').tap();
  await tab.page.waitForURL(`${origin}/campaigns/open/board*`);
  await tab.page.goBack({ waitUntil: 'domcontentloaded' });
  await slip(tab, 4, 5);
  assert.equal(await tab.receipt(), receipt);
  // Choices that were made and not submitted are there after a look at the board.
  const { tab: second } = await voter(s, 'back-again');
  await second.is('ready');
  await second.choose(6, 7);
  await second.page.locator('#board-link').tap();
  await second.page.waitForURL(/\/board/);
  await second.page.goBack({ waitUntil: 'domcontentloaded' });
  await second.is('ready');
  await until('the choices again', async () => `${await second.ticked()}` === '6,7');
}

/** The page is loaded anew while its ballot is on the way: with and without the server having it. */
const reloaded = (hasArrived) => async (s) => {
  const { tab } = await voter(s, `reloaded-${hasArrived}`);
  await tab.is('ready');
  const bodies = [];
  let pass;
  const isHeld = new Promise((resolve) => { pass = resolve; });
  await tab.page.route('**/ballots', async (route) => {
    bodies.push(JSON.parse(route.request().postData()));
    if (bodies.length > 1) return route.continue();
    // No answer: the page goes away while it waits.
    pass(hasArrived ? (await route.fetch()).status() : 0);
  });
  await tab.choose(8, 12);
  await tab.submit();
  await tab.is('sending');
  assert.equal(await isHeld, hasArrived ? 202 : 0);
  await tab.page.reload({ waitUntil: 'domcontentloaded' });
  await tab.is('received', 'reached', 'counted');
  await slip(tab, 8, 12);
  await checks(tab, 'counted');
  assert.ok(hasArrived || bodies.length === 2, `${bodies.length} attempts`);
  for (const body of bodies) assert.deepEqual(body, { choices: [8, 12], day: bodies[0].day });
};

/** Power cuts: while a ballot is on its way, and before another phone of its voter comes. */
async function killed(s) {
  const name = 'dying';
  const origin = await server(name, () => ({ campaigns: { dying: campaign('dying') } }));
  const [token, other] = await tokens(name, 'dying', ['ann', 'ben']);
  const tab = await s.opens(`${origin}/campaigns/dying#token=${token}`);
  const reader = await s.opens(`${origin}/campaigns/dying#token=${other}`);
  await Promise.all([tab.is('ready'), reader.is('ready')]);
  await reader.choose(19);
  s.expect(/ERR_CONNECTION_REFUSED/, /ERR_EMPTY_RESPONSE/, /ERR_CONNECTION_RESET/,
    /ERR_INCOMPLETE_CHUNKED/, /ERR_SOCKET_NOT_CONNECTED/, REFUSED(503));
  await tab.choose(1, 2, 3);
  await ask('kill', { name });
  await tab.submit();
  await tab.is('retrying');
  assert.deepEqual(await tab.ticked(), [1, 2, 3], 'the choices are kept');
  await tab.axe('retrying');
  await ask('again', { name });
  await tab.is('received', 'reached', 'counted');
  await checks(tab, 'counted');
  await counted(origin, 'dying', 1, 0);
  assert.deepEqual(await reader.ticked(), [19], 'who had not submitted has lost nothing');
  await reader.submit();
  await reader.is('received', 'reached', 'counted');
  await counted(origin, 'dying', 2, 0);

  // A new process remembers nobody: it takes the second ballot, and the count tells.
  const second = await s.opens(`${origin}/campaigns/dying`);
  await second.is('sign_in');
  await ask('kill', { name });
  await ask('again', { name });
  // Whoever opens the same link again is the same voter: their ballot, which this process has
  // forgotten, stays on the page.
  const receipt = await tab.receipt();
  const asked = tab.page.waitForResponse((answer) => answer.url().endsWith(receipt));
  await tab.open(`${origin}/campaigns/dying?again#token=${token}`);
  assert.equal((await asked).status(), 200);
  await tab.is('counted');
  await slip(tab, 1, 2, 3);
  assert.equal(await tab.receipt(), receipt);
  const [again] = await tokens(name, 'dying', ['ann']);
  await second.open(`${origin}/campaigns/dying?again#token=${again}`);
  await votes(second, 20);
  await counted(origin, 'dying', 2, 1);
  await checks(second, 'duplicate');
  await slip(second, 1, 2, 3);
  await second.axe('duplicate');
}

async function offline(s) {
  const { tab } = await voter(s, 'offline');
  await tab.is('ready');
  await tab.choose(13);
  s.expect(/ERR_INTERNET_DISCONNECTED/);
  await tab.page.context().setOffline(true);
  await tab.submit();
  await tab.is('offline', 'retrying');
  await tab.axe('offline');
  assert.deepEqual(await tab.ticked(), [13]);
  await tab.page.context().setOffline(false);
  await tab.is('received', 'reached', 'counted');
  await checks(tab, 'counted');
  assert.ok(tab.codes.includes('offline'), tab.codes.join(' '));
}

/** A phone in private mode, or with its storage full, votes all the same. */
async function noStorage(s) {
  const origin = await quiet();
  const [token] = await tokens('quiet', 'open', ['private']);
  const phone = await s.phone();
  await phone.context.addInitScript(() => {
    Object.defineProperty(window, 'localStorage', {
      get() { throw new DOMException('denied', 'SecurityError'); },
    });
  });
  const tab = await phone.tab(`${origin}/campaigns/open#token=${token}`);
  await votes(tab, 14);
  await checks(tab, 'counted');
}

/** The first way of all, which is the same on whichever journal. */
export const scan = ['a scanned code leads to a counted vote', scanned];

export const voting = [
  scan,
  ['a server that is killed during the submit takes the ballot when it is back', killed],
  ['a token in the address signs in and leaves it', byToken],
  ['without a token all can be read', noToken],
  ['a link of somebody else asks first', lured],
  ['an eleventh choice is not taken', tooMany],
  ['no choice at all is told', tooFew],
  ['a second phone hears that the first ballot stands', secondPhone],
  ['one voter in two tabs has one ballot', twoTabs],
  ['two phones of one voter submit at once', raced],
  ['back from the board all is as it was', back],
  ['a reload in mid-submit resumes the ballot that has arrived', reloaded(true)],
  ['a reload in mid-submit resumes the ballot that has not', reloaded(false)],
  ['offline is told and on line again it is sent', offline],
  ['a phone without storage votes', noStorage],
];
export { votes, checks, slip };
