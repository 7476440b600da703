// Pictures of page, board and poster for the documentation, each below 300 KB.

import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { until } from './kit.mjs';
import { demo } from './sites.mjs';
import { votes } from './voting.mjs';

const BYTES_MAX = 300_000;
/** Enough for the board to have an order. */
const VOTERS = 12;

async function pictures(s) {
  const { docs } = JSON.parse(process.env.GIVEN);
  const origin = await demo();
  const shoot = async (page, name) => {
    const path = join(docs, `${name}.png`);
    await page.screenshot({ path });
    assert.ok(statSync(path).size < BYTES_MAX, `${path}: ${statSync(path).size} bytes`);
  };
  const page = `${origin}/campaigns/hubei-2023`;
  for (let voter = 0; voter < VOTERS; voter += 1) {
    const tab = await s.opens(page);
    const mine = [1, 2, 3].map((step) => 1 + ((voter * step * step) % 20));
    await votes(tab, ...new Set(mine));
    if (voter === VOTERS - 1) {
      await tab.saw('reached');
      await shoot(tab.page, 'page-voted');
    }
    await tab.page.close();
  }
  const fresh = await s.opens(page);
  await fresh.is('ready', 'sign_in');
  await fresh.choose(1, 5);
  await fresh.page.evaluate(() => scrollTo(0, 0));
  await shoot(fresh.page, 'page');
  const wide = { viewport: { width: 1_280, height: 900 }, deviceScaleFactor: 1,
    isMobile: false, hasTouch: false, reducedMotion: 'reduce' };
  const board = await s.opens(`${page}/board`, wide);
  await until('all votes', async () =>
    (await board.page.locator('#ballots').innerText()) === String(VOTERS));
  await shoot(board.page, 'board');
  const a4 = { ...wide, viewport: { width: 794, height: 1_123 } };
  const poster = await s.opens(`${page}/poster.svg`, a4);
  await shoot(poster.page, 'poster');
}

export const screenshots = [['pictures of page, board and poster', pictures]];
