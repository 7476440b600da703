// The rows of the ranking: their numbers and bars, and their way to a new place.
//
// The order in the document is that on the screen; only transforms make it look older for a moment.
(function (board) {
  'use strict';

  const { ranking } = board.count;
  const { $, say, count, percent, text, make } = board.tools;
  const list = $('ranking');
  const still = window.matchMedia('(prefers-reduced-motion: reduce)');

  const rows = Array.from(list.children).map((item, at) => {
    const row = {
      item,
      number: at + 1,
      title: item.querySelector('.title').textContent,
      lang: item.querySelector('.case').lang,
      rank: make('b', {}, '–'),
      tie: make('span', { class: 'tie' }),
      votes: make('b', {}, '–'),
      share: make('span', { class: 'share' }),
      fill: make('i', {}),
    };
    const unseen = (word) => make('span', { class: 'unseen' }, word);
    item.prepend(make('span', { class: 'rank' },
      unseen(say('rank_before')), row.rank, unseen(say('rank_after')), row.tie));
    item.append(
      make('span', { class: 'votes' }, row.votes, make('span', { class: 'unit' }, say('votes'))),
      row.share,
      make('span', { class: 'bar', 'aria-hidden': 'true' }, row.fill));
    return row;
  });
  list.style.setProperty('--half', String(Math.ceil(rows.length / 2)));

  const placed = (row) => {
    const { left, top } = row.item.getBoundingClientRect();
    return { left, top };
  };

  // Puts the rows into an order; they move there from where they are seen now.
  function order(wanted) {
    if (wanted.every((row, at) => list.children[at] === row.item)) return;
    const before = wanted.map(placed);
    wanted.forEach((row) => list.append(row.item));
    if (still.matches || document.hidden) return;
    wanted.forEach(({ item }) => {
      item.style.transition = 'none';
      item.style.transform = '';
    });
    wanted.map(placed).forEach((after, at) => {
      const x = before[at].left - after.left;
      const y = before[at].top - after.top;
      const { item } = wanted[at];
      item.style.transform = x || y ? `translate(${x}px, ${y}px)` : '';
      item.classList.toggle('rising', x > 0 || y > 0);
    });
    // Measuring makes the engine take these places as the start.
    placed(wanted[0]);
    wanted.forEach(({ item }) => {
      item.style.transition = '';
      item.style.transform = '';
    });
  }

  function show(tally) {
    const places = ranking(tally.votes.slice(0, rows.length));
    const most = places[0].votes;
    const ordered = places.map((place) => {
      const row = rows[place.number - 1];
      // Without votes there is no order to speak of.
      text(row.rank, most ? String(place.rank) : '–');
      text(row.tie, most && place.tied ? say('tied') : '');
      text(row.votes, count(place.votes));
      text(row.share, say('share', { share: percent(place.votes, tally.ballots) }));
      row.fill.style.width = most ? `${100 * place.votes / most}%` : '0';
      row.item.classList.toggle('first', most > 0 && place.rank === 1);
      return row;
    });
    order(ordered);
  }

  // Who is first, in words.
  function leaders(tally) {
    const first = ranking(tally.votes).filter((place) => place.rank === 1 && place.votes);
    const titles = first.map((place) => rows[place.number - 1].title);
    return first.length ?
      say('first', { titles: titles.join('、'), votes: count(first[0].votes) }) : '';
  }

  board.ranking = { rows, show, leaders };
})(window.board);
