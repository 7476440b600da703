// Tests of pages/board/count.js; a unit test of src/pages/board.rs runs them with `node --test`.
'use strict';
const assert = require('node:assert');
const test = require('node:test');
const { ranking, isSameCount, supersedes, sampled, rateAt, reach, rates, roundUp } =
  require('../pages/board/count.js').count;

const document = (...frontiers) => ({
  campaign: 'c', journal: 'j',
  partitions: frontiers.map((frontier, partition) => ({ partition, frontier })),
});

test('equal votes share a rank and the next rank leaves as many out', () => {
  const places = ranking([3, 9, 3, 0, 9, 9]);
  assert.deepStrictEqual(places.map((place) => [place.number, place.rank, place.tied]), [
    [2, 1, true], [5, 1, true], [6, 1, true], [1, 4, true], [3, 4, true], [4, 6, false],
  ]);
  assert.deepStrictEqual(ranking([]), []);
});

test('a document replaces another only if no frontier falls', () => {
  const shown = document(5, 7);
  assert.ok(supersedes(shown, null));
  for (const [next, may] of [
    [document(5, 7), true], [document(6, 7), true], [document(6, 6), false],
    [document(9, 0), false], [document(9), false], [document(9, 9, 9), false],
    [Object.assign(document(9, 9), { journal: 'k' }), false],
    [Object.assign(document(9, 9), { campaign: 'd' }), false],
  ]) {
    assert.strictEqual(supersedes(next, shown), may, JSON.stringify(next));
  }
  assert.ok(isSameCount(document(0, 0), shown));
  assert.ok(!isSameCount(Object.assign(document(9, 9), { journal: 'k' }), shown));
});

test('a rate is of the last minute, and of what is known of it at first', () => {
  let samples = [];
  assert.strictEqual(rateAt(samples, 0), null);
  for (let at = 0; at <= 120000; at += 250) { samples = sampled(samples, at, at / 100); }
  assert.strictEqual(rateAt(samples, 120000), 600);
  assert.strictEqual(rateAt(samples, 20000), 600);
  assert.strictEqual(rateAt(samples, 9000), null);
  assert.strictEqual(rateAt(samples, -1), null);
  // Nothing more comes: the rate falls to nothing within a minute.
  assert.strictEqual(rateAt(samples, 150000), 300);
  assert.strictEqual(rateAt(samples, 180000), 0);
});

test('an hour of four documents a second is kept in few samples', () => {
  let samples = [];
  for (let at = 0; at <= 7200000; at += 250) { samples = sampled(samples, at, at / 1000); }
  assert.ok(samples.length < 800, samples.length);
  const hour = rates(samples, 7200000, 60, 10000);
  assert.strictEqual(hour.length, 361);
  assert.ok(hour.every((rate) => Math.abs(rate - 60) < 1e-6));
});

test('a line reaches as far back as is known, from five minutes to sixty', () => {
  for (const [first, minutes] of [[7200000, 5], [6900000, 5], [6899999, 6], [0, 60]]) {
    assert.strictEqual(reach([{ at: first, ballots: 1 }], 7200000), minutes, first);
  }
  assert.strictEqual(reach([], 0), 5);
});

test('a clock set back or another count begins anew', () => {
  const samples = [{ at: 1000, ballots: 5 }, { at: 9000, ballots: 8 }];
  assert.deepStrictEqual(sampled(samples, 500, 9), [{ at: 500, ballots: 9 }]);
  assert.deepStrictEqual(sampled(samples, 9500, 2), [{ at: 9500, ballots: 2 }]);
});

test('a scale ends at a round number', () => {
  for (const [value, top] of [[0, 1], [1, 1], [3, 5], [10, 10], [11, 20], [51, 100], [999, 1000]]) {
    assert.strictEqual(roundUp(value), top, value);
  }
});
