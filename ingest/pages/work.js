// The work of a challenge: a number N for which the SHA-256 of `SEED.N` begins with so many zero
// bits. Loaded by the voting page only when it is asked for.
//
// Found in slices of a few frames with the page's own events in between, so that a slow phone stays
// alive, and given up as soon as nobody wants it. ES2018 and no `crypto.subtle`: that is for single
// hashes, and missing where the page has no TLS.
(function (weir) {
  'use strict';

  const SLICE_MS = 30;
  // So few that an old phone is not late by much, so many that the clock costs nothing.
  const HASHES_BETWEEN_LOOKS = 256;
  // Numbers of one length, so that only its digits differ from hash to hash: 9e11 of them.
  const DIGITS = 12;
  // What one block has room for, before the number and the padding.
  const SEED_CHARS_MAX = 64 - 9 - DIGITS - 1;

  // The first 32 bits of the fractional parts of the cube and square roots of the first primes
  // (FIPS 180-4, 4.2.2 and 5.3.3).
  const K = new Int32Array(64);
  const START = new Int32Array(8);
  (function roots() {
    const fraction = (root) => ((root - Math.floor(root)) * 0x100000000) | 0;
    for (let number = 2, found = 0; found < 64; number += 1) {
      let isPrime = true;
      for (let by = 2; by * by <= number; by += 1) isPrime = isPrime && number % by !== 0;
      if (!isPrime) continue;
      if (found < 8) START[found] = fraction(Math.sqrt(number));
      K[found] = fraction(Math.cbrt(number));
      found += 1;
    }
  })();

  // The first 32 bits of the hash of one padded block, whose 16 words are the first of `w`.
  function firstWord(w) {
    for (let i = 16; i < 64; i += 1) {
      const x = w[i - 15];
      const y = w[i - 2];
      const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
      const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
      w[i] = (w[i - 16] + s0 + w[i - 7] + s1) | 0;
    }
    let a = START[0];
    let b = START[1];
    let c = START[2];
    let d = START[3];
    let e = START[4];
    let f = START[5];
    let g = START[6];
    let h = START[7];
    for (let i = 0; i < 64; i += 1) {
      const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
      const t1 = (h + s1 + (g ^ (e & (f ^ g))) + K[i] + w[i]) | 0;
      const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
      const t2 = (s0 + ((a & b) | (c & (a | b)))) | 0;
      h = g;
      g = f;
      f = e;
      e = (d + t1) | 0;
      d = c;
      c = b;
      b = a;
      a = (t1 + t2) | 0;
    }
    return (a + START[0]) | 0;
  }

  // The block of `SEED.100000000000`, and a way to the next number.
  function block(seed) {
    const text = seed + '.1' + '0'.repeat(DIGITS - 1);
    const w = new Int32Array(64);
    const put = (at, byte) => {
      w[at >> 2] += byte << (24 - 8 * (at & 3));
    };
    for (let at = 0; at < text.length; at += 1) put(at, text.charCodeAt(at));
    put(text.length, 0x80);
    w[15] = text.length * 8;
    const digits = [1].concat(new Array(DIGITS - 1).fill(0));
    const next = () => {
      for (let digit = DIGITS - 1; ; digit -= 1) {
        const at = seed.length + 1 + digit;
        if (digits[digit] < 9) {
          digits[digit] += 1;
          put(at, 1);
          return;
        }
        digits[digit] = 0;
        put(at, -9);
      }
    };
    return { w, next, number: () => digits.join('') };
  }

  // Resolves to the number, as text; to null once `isOver`, or if the seed is not one of ours.
  function solve(seed, bits, isOver) {
    if (!/^[A-Za-z0-9_-]+$/.test(seed) || seed.length > SEED_CHARS_MAX) {
      return Promise.resolve(null);
    }
    const { w, next, number } = block(seed);
    const isSolved = () => Math.clz32(firstWord(w)) >= bits;
    return new Promise((resolve) => {
      function slice() {
        if (isOver()) {
          resolve(null);
          return;
        }
        const until = performance.now() + SLICE_MS;
        do {
          for (let hashes = 0; hashes < HASHES_BETWEEN_LOOKS; hashes += 1) {
            if (isSolved()) {
              resolve(number());
              return;
            }
            next();
          }
        } while (performance.now() < until);
        setTimeout(slice, 0);
      }
      slice();
    });
  }

  weir.work = { solve };
})(window.weir = window.weir || {});
