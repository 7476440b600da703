// The way of a vote where the journal is Kafka and edge and aggregator are processes of their own.

import assert from 'node:assert/strict';
import { until } from './kit.mjs';
import { tally } from './sites.mjs';
import { checks, votes } from './voting.mjs';

async function counted(s) {
  const { origin, token } = JSON.parse(process.env.GIVEN);
  const tab = await s.opens(`${origin}/campaigns/phones?c=poster#token=${token}`);
  const board = await s.opens(`${origin}/campaigns/phones/board`);
  await votes(tab, 1, 3);
  await checks(tab, 'counted');
  await until('the vote on the board', async () =>
    (await board.page.locator('#ballots').innerText()) === '1');
  const { ballots, outcomes } = await tally(origin, 'phones');
  assert.deepEqual([ballots, outcomes.duplicate], [1, 0]);
}

export const kafka = [['a scanned code leads to a counted vote on Kafka', counted]];
