// Ballots a minute, now and over the last hour at most, from the documents that came one after another.
//
// What this tab has seen is kept for a reload; without storage the line begins with the page.
(function (board) {
  'use strict';

  const { sampled, rateAt, reach, rates, roundUp } = board.count;
  const { $, facts, say, count, text } = board.tools;
  const STEP_MS = 10000;
  // Of the drawing, in its own units.
  const WIDTH = 360;
  const KEY = `weir-board:${facts.id}`;
  let journal = null;
  let samples = [];
  let last = 0;
  let drawnAt = 0;

  function kept() {
    try {
      const stored = JSON.parse(sessionStorage.getItem(KEY));
      return stored.journal === journal ? stored.samples : [];
    } catch (nothingStored) {
      return [];
    }
  }

  function keep() {
    try {
      sessionStorage.setItem(KEY, JSON.stringify({ journal, samples }));
    } catch (noStorage) { /* See above. */ }
  }

  // Notes that at an instant so many ballots were counted.
  function note(tally, at) {
    if (journal !== tally.journal) {
      journal = tally.journal;
      samples = kept();
    }
    last = at;
    samples = sampled(samples, at, tally.ballots);
  }

  function rate() {
    const now = rateAt(samples, last);
    return now === null ? '–' : count(Math.round(now));
  }

  function draw() {
    if (Date.now() - drawnAt < STEP_MS) return;
    drawnAt = Date.now();
    const minutes = reach(samples, last);
    const line = rates(samples, last, minutes, STEP_MS);
    const most = Math.max(0, ...line.map(Number));
    const top = roundUp(most);
    let path = '';
    line.forEach((value, at) => {
      if (value === null) return;
      const pen = at && line[at - 1] !== null ? 'L' : 'M';
      const x = (WIDTH * at / (line.length - 1)).toFixed(1);
      path += `${pen}${x} ${(100 - 100 * value / top).toFixed(1)}`;
    });
    $('pace').hidden = !path.includes('L');
    $('pace-line').setAttribute('d', path);
    text($('pace-top'), count(top));
    text($('pace-from'), say('ago', { minutes }));
    text($('pace-title'), say('pace', { minutes, rate: rate(), most: count(Math.round(most)) }));
    keep();
  }

  board.pace = { note, rate, draw };
})(window.board);
