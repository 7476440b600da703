// Tests of pages/work.js against Node's own SHA-256; a unit test of src/pages/assets.rs runs them
// with `node --test`.
'use strict';
const assert = require('node:assert');
const { createHash, randomBytes } = require('node:crypto');
const { readFileSync } = require('node:fs');
const { join } = require('node:path');
const test = require('node:test');
const { runInThisContext } = require('node:vm');

globalThis.window = {};
runInThisContext(readFileSync(join(__dirname, '../pages/work.js'), 'utf8'));
const { solve } = globalThis.window.weir.work;
const never = () => false;

function zeros(seed, number) {
  return Math.clz32(createHash('sha256').update(`${seed}.${number}`).digest().readUInt32BE(0));
}

test('what is found is the first number that the real hash agrees with', async () => {
  for (let bytes = 3; bytes <= 30; bytes += 3) {
    const seed = randomBytes(bytes).toString('base64url');
    const found = await solve(seed, 8, never);
    assert.match(found, /^1[0-9]{11}$/);
    let first = 100000000000;
    while (zeros(seed, first) < 8) first += 1;
    assert.strictEqual(found, String(first), seed);
  }
});

test('digits carry over', async () => {
  // Some hundred thousand numbers: all but the first five digits change.
  const seed = 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA';
  const found = await solve(seed, 17, never);
  assert.ok(Number(found) > 100000001000, found);
  assert.ok(zeros(seed, found) >= 17);
});

test('the page is let in between, and nothing is found for who wants nothing any more', async () => {
  let turns = 0;
  const ticking = setInterval(() => { turns += 1; }, 1);
  const found = await solve('A', 32, () => turns >= 3);
  clearInterval(ticking);
  assert.strictEqual(found, null);
});

test('a seed that is none of ours is not worked on', async () => {
  for (const seed of ['', 'a b', 'a.b', '<', 'A'.repeat(43)]) {
    assert.strictEqual(await solve(seed, 1, never), null, seed);
  }
  assert.strictEqual(zeros('A'.repeat(42), await solve('A'.repeat(42), 9, never)) >= 9, true);
});
