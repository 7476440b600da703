// Campaigns and servers for scenarios: the real campaign's cases, under a window that lies around
// now. Servers that several scenarios share are started once.
//
// Zones are chosen so that it is about noon there: only a scenario that asks for midnight meets it.

import { readFileSync } from 'node:fs';
import { ask } from './kit.mjs';

const REAL = readFileSync(process.env.REAL_CAMPAIGN, 'utf8');
const CHOICES = REAL.slice(REAL.indexOf('[[choices]]'));
export const TITLES = [...CHOICES.matchAll(/^title = "(.*)"$/gm)].map((found) => found[1]);

export const CHANNELS = ['poster', 'metro-line-2'];

const DAY_S = 86_400;
const started = new Map();

/** An Etc zone in which it is about noon at `at`; its offset in hours. */
function noonZone(at) {
  const hours = 12 - new Date(at).getUTCHours();
  // Their signs are turned round.
  return { zone: `Etc/GMT${hours > 0 ? '-' : '+'}${Math.abs(hours)}`, hours };
}

/** The text of a campaign file; times are in seconds from `at`. */
export function campaign(id, options = {}) {
  const {
    at = Date.now(), opens = -DAY_S, closes = DAY_S, mode = 'token', top = '', identity = '',
    zone = noonZone(at), grace = 10,
  } = options;
  const local = (seconds) =>
    new Date(at + seconds * 1_000 + zone.hours * 3_600_000).toISOString().slice(0, 19);
  return `id = "${id}"
title = "2023年全省城乡社区治理创新典型案例征集和宣传展示活动"
organiser = "湖北省城乡社区治理工作领导小组办公室、省民政厅"
zone = "${zone.zone}"
opens_at = ${local(opens)}
closes_at = ${local(closes)}
choices_per_ballot_max = 10
voters_per_day_max = 10000
grace_seconds = ${grace}
${top}
[identity]
mode = "${mode}"
${identity}

${CHOICES}`;
}

/** A server with these campaigns, started by whoever needs it first; its origin. */
export function server(name, given) {
  if (!started.has(name)) started.set(name, ask('start', { name, ...given() }));
  return started.get(name);
}

/** Demo voters: `weir up` as anybody starts it. In the hour before Shanghai's midnight its clock is
 *  put forward. On Kafka nothing is built in, and demo voters are asked for by name. */
export const demo = () => server('demo', () => {
  if (process.env.JOURNAL === 'kafka') {
    const text = campaign('hubei-2023', { mode: 'demo' });
    return { campaigns: { 'hubei-2023': text }, flags: ['--identity', 'demo'] };
  }
  const isLate = new Date(Date.now() + 8 * 3_600_000).getUTCHours() === 23;
  return { campaigns: {}, flags: [], ahead_s: isLate ? 3_600 : null };
});

/** Campaigns in which nothing changes while a scenario runs. */
export const quiet = () => server('quiet', () => ({
  campaigns: {
    open: campaign('open', { top: `channels = ${JSON.stringify(CHANNELS)}` }),
    hidden: campaign('hidden', { top: 'results = "hidden"' }),
    follow: campaign('follow', { top: 'followers_only = true', identity: 'account = "极目新闻"' }),
    early: campaign('early', { opens: DAY_S, closes: 3 * DAY_S }),
    work: campaign('work', { identity: '[challenge]\nkind = "work"\nbits = 12' }),
    over: campaign('over', { opens: -3 * DAY_S, closes: -DAY_S }),
  },
}));

/** Tokens of voters with these names, in order. */
export async function tokens(name, id, ids, stranger = false) {
  return ask('tokens', { name, campaign: id, ids, stranger });
}

/** A campaign's tally, read past every page. */
export async function tally(origin, id) {
  const answer = await fetch(`${origin}/v1/campaigns/${id}/tally`);
  return answer.status === 200 ? answer.json() : { ballots: undefined, outcomes: {} };
}
