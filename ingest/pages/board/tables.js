// The table of votes by choice and day, and that of what the count is checked by.
//
// The days are those of the campaign and of the count: one that an extension adds gets its column.
(function (board) {
  'use strict';

  const { rows } = board.ranking;
  const { $, facts, say, count, stamp, now, text, make } = board.tools;
  const table = $('days');
  let made = { key: '' };

  function head(days, marks) {
    const column = (...children) => make('th', { scope: 'col' }, ...children);
    const day = (name, at) => column(make('time', { datetime: name }, name.slice(5)), marks[at]);
    return make('tr', {}, column(say('choice')), ...days.map(day), column(say('sum')));
  }

  function build(days, key) {
    const marks = days.map(() => make('small', {}));
    const lines = [];
    const line = (...title) => {
      const cells = days.concat('sum').map(() => make('td', {}));
      lines.push(cells);
      return make('tr', {}, make('th', { scope: 'row' }, ...title), ...cells);
    };
    const choice = (row) => (
      line(make('b', {}, String(row.number)), make('span', { lang: row.lang }, ' ' + row.title)));
    table.replaceChild(make('thead', {}, head(days, marks)), table.tHead);
    table.replaceChild(make('tbody', {}, ...rows.map(choice)), table.tBodies[0]);
    const foot = make('tfoot', {}, line(say('ballots')), line(say('duplicates')));
    table.replaceChild(foot, table.tFoot);
    return { key, lines, marks };
  }

  function showDays(tally) {
    const counted = {};
    tally.days.forEach((day) => { counted[day.day] = day; });
    const days = Array.from(new Set(facts.days.concat(Object.keys(counted)))).sort();
    const key = days.join(' ');
    if (made.key !== key) made = build(days, key);
    const fill = (line, sum, value) => {
      days.forEach((day, at) => {
        text(made.lines[line][at], counted[day] ? count(value(counted[day])) : '–');
      });
      text(made.lines[line][days.length], count(sum));
    };
    rows.forEach((row, at) => fill(at, tally.votes[at], (day) => day.votes[at]));
    fill(rows.length, tally.ballots, (day) => day.ballots);
    fill(rows.length + 1, tally.outcomes.duplicate, (day) => day.duplicates);
    const today = stamp(now()).slice(0, 10);
    days.forEach((day, at) => {
      const isOpen = !tally.final && day === today && now() >= facts.opens && now() < facts.closes;
      text(made.marks[at], isOpen ? say('under_way') : '');
    });
  }

  function showProof(tally) {
    text($('journal'), tally.journal);
    text($('rules'), tally.rules);
    const list = $('partitions').tBodies[0];
    tally.partitions.forEach((partition, at) => {
      if (!list.rows[at]) {
        list.append(make('tr', {}, make('th', { scope: 'row' }), make('td', {}), make('td', {})));
      }
      const values = [String(partition.partition), count(partition.frontier), partition.digest];
      values.forEach((value, column) => text(list.rows[at].cells[column], value));
    });
  }

  function show(tally) {
    showDays(tally);
    showProof(tally);
  }

  board.tables = { show };
})(window.board);
