// The three ways in by WeChat, which a server imitates: from the scanned code to the counted ballot,
// and everything that may come between. The imitation's own page is where people follow, decline
// and write to an account.

import assert from 'node:assert/strict';
import { ask } from './kit.mjs';
import { campaign, server } from './sites.mjs';
import { checks, slip, votes } from './voting.mjs';

const ACCOUNT = 'account = "极目新闻"';
const APP_ID = 'app_id = "wx0123456789abcdef"';
const IDENTITIES = {
  service: [ACCOUNT, APP_ID],
  unionid: [ACCOUNT, APP_ID, 'subscription_app_id = "wx0123456789abcdee"'],
  link: [ACCOUNT, 'keyword = "点赞"'],
};

/** The page of a campaign of this mode, and the imitation's. One server has all of them. */
async function wechat(mode) {
  const name = 'wechat';
  const one = ([way, identity]) => [way, campaign(way, {
    mode: way, top: 'followers_only = true', identity: identity.join('\n'),
  })];
  const origin = await server(name, () => ({
    campaigns: Object.fromEntries(Object.entries(IDENTITIES).map(one)),
    flags: ['--identity', 'wechat-imitation'],
  }));
  return { url: `${origin}/campaigns/${mode}`, imitation: await ask('imitation', { name }) };
}

/** What a voter does in WeChat itself, in another tab of the same phone. */
async function inWeChat(phone, imitation, what, account) {
  const { page } = await phone.tab(imitation);
  const form = account === undefined ? page : page.locator(`form:has(input[value="${account}"])`);
  await form.locator(`button[value="${what}"]`).first().tap();
  await page.waitForLoadState();
  return page;
}

/** By the page's own button, there and back. */
async function signsIn(tab, expected) {
  const from = tab.codes.length;
  await tab.page.locator('#login').tap();
  await tab.saw(expected, from);
  assert.equal(await tab.code(), expected);
  assert.ok(!/code=|state=|#/.test(tab.page.url()), tab.page.url());
}

async function service(s) {
  const { url, imitation } = await wechat('service');
  const tab = await s.opens(`${url}?c=poster`);
  const [phone] = s.phones;
  await tab.is('sign_in');
  await tab.axe('sign_in by WeChat');
  await tab.choose(3, 4);
  await inWeChat(phone, imitation, 'declines');
  await signsIn(tab, 'sign_in');
  await inWeChat(phone, imitation, 'snapshot');
  await signsIn(tab, 'snapshot');
  await tab.axe('snapshot');
  await inWeChat(phone, imitation, 'agrees');
  await signsIn(tab, 'follow');
  assert.ok((await tab.message.innerText()).includes('极目新闻'));
  await inWeChat(phone, imitation, 'follow', 'service');
  await signsIn(tab, 'ready');
  assert.deepEqual(await tab.ticked(), [3, 4], 'the choices came along');
  await votes(tab);
  await checks(tab, 'counted');
  await slip(tab, 3, 4);

  // The same person on another phone is the same voter.
  const known = (await phone.context.cookies()).find(({ name }) => name === 'imitation-of-wechat');
  const other = await s.phone();
  await other.context.addCookies([known]);
  const second = await other.tab(url);
  await second.is('sign_in');
  await second.choose(9);
  const from = second.codes.length;
  await second.page.locator('#login').tap();
  await second.saw('already_voted', from);
  await slip(second, 3, 4);
}

async function unionid(s) {
  const { url, imitation } = await wechat('unionid');
  const tab = await s.opens(url);
  const [phone] = s.phones;
  await tab.is('sign_in');
  await tab.choose(1);
  await signsIn(tab, 'follow');
  // The account that counts is the other one.
  await inWeChat(phone, imitation, 'follow', 'service');
  await signsIn(tab, 'follow');
  await inWeChat(phone, imitation, 'follow', 'subscription');
  await signsIn(tab, 'ready');
  await votes(tab, 2);
  await checks(tab, 'counted');
  await slip(tab, 1, 2);
}

async function link(s) {
  const { url, imitation } = await wechat('link');
  const tab = await s.opens(url);
  const [phone] = s.phones;
  await tab.is('sign_in');
  await tab.axe('sign_in by a link');
  assert.ok((await tab.text()).includes('点赞'));
  await inWeChat(phone, imitation, 'follow', 'subscription');
  const chat = await phone.tab(imitation);
  const form = chat.page.locator('form:has(input[value="subscription"]):has(input[name="text"])');
  await form.locator('input[name="text"]').fill('点赞');
  await form.locator('button[value="send"]').tap();
  const reply = chat.page.locator(`a[href^="${url}"]`);
  const brought = await reply.getAttribute('href');
  assert.match(brought, /#link=/);
  await reply.tap();
  await chat.is('ready');
  assert.ok(!chat.page.url().includes('#'), chat.page.url());
  await votes(chat, 6);
  await checks(chat, 'counted');
  // Whoever finds the link later has nothing of it.
  s.expect(/\b410\b/);
  const thief = await s.opens(brought);
  await thief.is('sign_in');
  await thief.axe('a link that was used');
}

export const identity = [
  ['signed in by a service account', service],
  ['signed in by a service account, following another', unionid],
  ['signed in by a link', link],
];
