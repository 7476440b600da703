// What the parts of the board share: its facts, words, elements, numbers and moments.
//
// Nothing here or in the other parts makes HTML of a text.
(function (board) {
  'use strict';

  const data = document.body.dataset;
  const $ = (id) => document.getElementById(id);

  const facts = {
    id: data.campaign,
    address: '/v1/campaigns/' + data.campaign,
    isHidden: data.results === 'hidden',
    // An organiser may extend a campaign that runs: the feed keeps these three up to date.
    opens: Number(data.opensMs),
    closes: Number(data.closesMs),
    days: data.days.split(' '),
    // The server's clock less this device's.
    ahead: 0,
  };

  const words = {};
  for (const element of $('words').content.querySelectorAll('[data-word]')) {
    words[element.dataset.word] = element.textContent;
  }

  // A sentence with its places filled in.
  function say(word, filling) {
    return words[word].replace(/\{(\w+)\}/g, (place, name) => String(filling[name]));
  }

  const number = new Intl.NumberFormat(document.documentElement.lang);
  const count = (value) => number.format(value);
  const percent = (part, whole) => (whole ? (100 * part / whole).toFixed(1) : '0.0') + '%';

  function clock(zone) {
    // Sweden writes instants as ISO 8601 does.
    return new Intl.DateTimeFormat('sv-SE', {
      timeZone: zone, year: 'numeric', month: '2-digit', day: '2-digit',
      hour: '2-digit', minute: '2-digit', second: '2-digit',
    });
  }

  let instant;
  let mark = '';
  try {
    instant = clock(data.zone);
  } catch (unknownZone) {
    instant = clock('UTC');
    mark = ' UTC';
  }
  const stamp = (at) => instant.format(at) + mark;
  const moment = (at) => instant.format(at).slice(0, 16) + mark;
  const now = () => Date.now() + facts.ahead;

  // An unchanged text is not written again: neither engines nor screen readers need look.
  function text(element, value) {
    if (element.textContent !== value) element.textContent = value;
  }

  function make(name, attributes, ...children) {
    const element = document.createElement(name);
    Object.keys(attributes).forEach((key) => element.setAttribute(key, attributes[key]));
    element.append(...children);
    return element;
  }

  board.tools = { $, facts, say, count, percent, stamp, moment, now, text, make };
})(window.board);
