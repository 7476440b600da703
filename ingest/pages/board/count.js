// What the board works out, apart from any page, clock or network: the ranking, whether a document
// may replace another, ballots a minute.
//
// The other parts follow it in one file; `node --test` reads this one alone (tests/board.test.js).
// ES2018 for the browsers of older phones and walls.
(function (board) {
  'use strict';

  const HOUR_MS = 3600000;
  const MINUTE_MS = 60000;
  /** The least time between two samples: 720 an hour. */
  const SAMPLE_MS = 5000;
  /** The least time from which a rate is told. */
  const RATE_FROM_MS = 10000;

  /** The choices by votes, then by number; those with equal votes share a rank, and the next rank
   *  leaves as many out (1, 2, 2, 4). */
  function ranking(votes) {
    const places = votes.map((count, at) => (
      { number: at + 1, votes: count, rank: 0, tied: false }
    ));
    places.sort((a, b) => b.votes - a.votes || a.number - b.number);
    places.forEach((place, at) => {
      const before = places[at - 1];
      if (before && before.votes === place.votes) {
        place.rank = before.rank;
        place.tied = before.tied = true;
      } else {
        place.rank = at + 1;
      }
    });
    return places;
  }

  /** Whether both count the same journal. */
  function isSameCount(next, shown) {
    return next.campaign === shown.campaign && next.journal === shown.journal &&
      next.partitions.length === shown.partitions.length;
  }

  /** Whether a document may take the place of the shown one: no frontier is lower in it. Servers
   *  behind one address need not be equally far, and what was shown is never taken back. */
  function supersedes(next, shown) {
    return !shown || (isSameCount(next, shown) && next.partitions.every((partition, at) => (
      partition.partition === shown.partitions[at].partition &&
      partition.frontier >= shown.partitions[at].frontier
    )));
  }

  /** The samples `{at, ballots}` with one more; of a little more than the last hour. */
  function sampled(samples, at, ballots) {
    const last = samples[samples.length - 1];
    if (last && (at < last.at || ballots < last.ballots)) {
      // The clock was set back, or it is another count: what was before says nothing any more.
      return [{ at, ballots }];
    }
    const kept = samples.filter((sample) => sample.at > at - HOUR_MS - 2 * MINUTE_MS);
    const before = kept[kept.length - 2];
    if (before && last.at - before.at < SAMPLE_MS) {
      kept.pop();
    }
    kept.push({ at, ballots });
    return kept;
  }

  /** How many ballots there were at a moment: straight between two samples, unknown before. */
  function ballotsAt(samples, at) {
    let before = null;
    for (const sample of samples) {
      if (sample.at > at) {
        if (!before) { return null; }
        const part = (at - before.at) / (sample.at - before.at);
        return before.ballots + part * (sample.ballots - before.ballots);
      }
      before = sample;
    }
    return before && before.ballots;
  }

  /** Ballots of the minute that ends at a moment, or of what is known of it, as if it were whole;
   *  null where too little is known. */
  function rateAt(samples, at) {
    if (!samples.length) { return null; }
    const from = Math.max(at - MINUTE_MS, samples[0].at);
    const then = ballotsAt(samples, from);
    if (at - from < RATE_FROM_MS || then === null) { return null; }
    return (ballotsAt(samples, at) - then) * MINUTE_MS / (at - from);
  }

  /** How far the samples reach back before `now`, in whole minutes: from five, to be a line at all,
   *  to sixty. */
  function reach(samples, now) {
    const known = samples.length ? now - samples[0].at : 0;
    return Math.min(60, Math.max(5, Math.ceil(known / MINUTE_MS)));
  }

  /** The rates of so many minutes before `now`, one for each `step` of them, the oldest first. */
  function rates(samples, now, minutes, step) {
    const all = [];
    for (let at = now - minutes * MINUTE_MS; at <= now; at += step) {
      all.push(rateAt(samples, at));
    }
    return all;
  }

  /** A round number at least as large, for the top of a scale: 1, 2 or 5 times a power of ten. */
  function roundUp(value) {
    let power = 1;
    while (power * 10 < value) { power *= 10; }
    return power * [1, 2, 5, 10].find((factor) => factor * power >= value);
  }

  board.count = { ranking, isSameCount, supersedes, sampled, rateAt, reach, rates, roundUp };
})(typeof module === 'object' ? module.exports : (window.board = {}));
