// What the parts of the voting page share: the page's facts, its words, elements, and moments.
//
// ES2018 for the browsers inside older WeChat: no optional chaining, no nullish coalescing. Nothing
// here or in the other parts makes HTML of a text.
(function (weir) {
  'use strict';

  const data = document.body.dataset;
  const $ = (id) => document.getElementById(id);

  const facts = {
    id: data.campaign,
    mode: data.mode,
    account: data.account,
    keyword: data.keyword,
    zone: data.zone,
    zoneName: data.zoneName,
    min: Number(data.min),
    max: Number(data.max),
    followersOnly: 'followersOnly' in data,
    language: document.documentElement.lang,
  };

  const words = {};
  const found = $('words').content.querySelectorAll('[data-word]');
  for (const element of found) words[element.dataset.word] = element.textContent;

  // A sentence with its places filled in.
  function say(word, filling) {
    return words[word].replace(/\{(\w+)\}/g, (place, name) =>
      filling && name in filling ? String(filling[name]) : place);
  }

  const clockOf = (zone) => new Intl.DateTimeFormat('en-US', {
    timeZone: zone, hour12: false, year: 'numeric', month: 'numeric', day: 'numeric',
    hour: '2-digit', minute: '2-digit',
  });

  let clock = null;
  let isZoneKnown = true;
  try {
    clock = clockOf(facts.zone);
  } catch (unknownZone) {
    // An older engine, or a newer zone: said with each moment.
    isZoneKnown = false;
    clock = clockOf('UTC');
  }

  function dated(parts) {
    const name = words.months.split(' ')[Number(parts.month) - 1];
    return Object.assign({ name }, parts);
  }

  function shown(atMs) {
    const parts = {};
    for (const part of clock.formatToParts(new Date(atMs))) parts[part.type] = part.value;
    return parts;
  }

  // An instant as the clocks of the campaign's zone show it.
  function moment(atMs) {
    const parts = shown(atMs);
    // Some engines say 24:00 for the first minute of a day.
    const hour = parts.hour === '24' ? '00' : parts.hour;
    const text = say('moment', dated({
      year: parts.year, month: parts.month, day: parts.day, time: hour + ':' + parts.minute,
    }));
    const here = Intl.DateTimeFormat().resolvedOptions().timeZone;
    if (!isZoneKnown) return text + say('zone', { zone: 'UTC' });
    return here === facts.zone ? text : text + say('zone', { zone: facts.zoneName });
  }

  // The zone's date at an instant, such as `2023-12-18`.
  function dateAt(atMs) {
    const { year, month, day: date } = shown(atMs);
    return [year, month.padStart(2, '0'), date.padStart(2, '0')].join('-');
  }

  // A voting day in words, of `2023-12-18`.
  function day(text) {
    const [year, month, date] = text.split('-').map(Number);
    return say('date', dated({ year, month, day: date }));
  }

  // Full jitter: anything up to the bound, so that those who failed together come back apart.
  const jitter = (boundMs) => Math.random() * boundMs;
  const backoff = (attempt) => jitter(Math.min(15000, 500 * Math.pow(2, attempt)));

  // Everybody's day ends at once, and not all should ask at once.
  const TURN_SPREAD_MS = 2000;

  // A wait that can be ended early. Answers whether it was.
  function pause(ms) {
    let wake = null;
    const over = new Promise((resolve) => {
      const timer = setTimeout(() => resolve(false), ms);
      wake = () => {
        clearTimeout(timer);
        resolve(true);
      };
    });
    return { over, wake };
  }

  weir.tools = {
    $, facts, say, moment, dateAt, isZoneKnown, day, jitter, backoff, TURN_SPREAD_MS, pause,
  };
})(window.weir = window.weir || {});
