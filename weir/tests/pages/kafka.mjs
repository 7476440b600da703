// Where the journal is Kafka, and edge and aggregator are processes of their own: the way of a
// vote in all five identity modes, which is as on `weir up`. And what only Kafka has: a close that
// is put off while everybody goes on.

import assert from 'node:assert/strict';
import { ask, until } from './kit.mjs';
import { identity } from './identity.mjs';
import { CHANNELS, campaign, server, tally, tokens } from './sites.mjs';
import { checks, scan, votes } from './voting.mjs';

const DAY_S = 86_400;
/** Time for the board to be opened before. */
const CLOSES_S = 20;
const at = Date.now();

/** A campaign that closes then; it can be extended up to a minute before its close is written. */
const closing = (closes) => campaign('extended', { at, closes, grace: 120 });

const plain = () => server('plain', () => ({
  campaigns: {
    extended: closing(CLOSES_S),
    token: campaign('token', { top: `channels = ${JSON.stringify(CHANNELS)}` }),
  },
}));

async function counted(s) {
  const origin = await plain();
  const [token] = await tokens('plain', 'token', ['ann']);
  const tab = await s.opens(`${origin}/campaigns/token?c=poster#token=${token}`);
  const board = await s.opens(`${origin}/campaigns/token/board`);
  await votes(tab, 1, 3);
  await checks(tab, 'counted');
  await until('the vote on the board', async () =>
    (await board.page.locator('#ballots').innerText()) === '1');
  const { ballots, outcomes } = await tally(origin, 'token');
  assert.deepEqual([ballots, outcomes.duplicate], [1, 0]);
}

async function extended(s) {
  const origin = await plain();
  const [ann, ben] = await tokens('plain', 'extended', ['ann', 'ben']);
  const page = `${origin}/campaigns/extended`;
  const [tab, idle, board] = await Promise.all(
    [`#token=${ann}`, `#token=${ben}`, '/board'].map((rest) => s.opens(page + rest)));
  const text = (place) => board.page.locator(place).innerText();
  const shows = (place, part) =>
    until(`${part} in ${place}`, async () => (await text(place)).includes(part));
  // As the board writes a moment, in the campaign's zone.
  const close = (file) => /closes_at = (\S{16})/.exec(file)[1].replace('T', ' ');
  const [was, is] = [CLOSES_S, DAY_S].map(closing);
  await shows('#notice', close(was));
  await votes(tab, 1);
  await Promise.all([shows('#ballots', '1'), idle.is('ready')]);
  await ask('extend', { name: 'plain', campaign: 'extended', text: is });
  await until('the old close to be over', () => Date.now() > at + CLOSES_S * 1_000);
  // The board has asked again, and so has whoever has still to vote.
  await shows('#notice', close(is));
  await votes(idle, 2);
  await shows('#ballots', '2');
  assert.equal(await board.page.locator('body').getAttribute('data-state'), 'live');
  assert.equal(await text('#mark'), '初步结果');
  await shows('.byline', close(is));
  await board.axe('an extended board');
}

export const kafka = [
  ['the close is put off while the board is open', extended],
  ...identity,
  scan,
  ['a token in the address leads to a counted vote', counted],
];
