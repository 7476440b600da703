// What the page shows, made anew of the state each time it changes.
//
// `#message` says one thing in plain words, and its `data-code` which.
(function (weir) {
  'use strict';

  const { state, choices, insist } = weir;
  const { $, facts, say, moment, day } = weir.tools;

  // A page that was changed elsewhere and an element that is not there in every mode.
  function show(id, shown) {
    const element = $(id);
    if (element && element.hidden === shown) element.hidden = !shown;
  }

  // Live regions speak when their text is set: not when it is the same.
  function write(element, text) {
    if (element.textContent !== text) element.textContent = text;
  }

  function next() {
    const at = state.nextChanceMs();
    return at === null ? say('next_never') : say('next_chance', { next: moment(at) });
  }

  const gap = facts.language === 'en' ? ' ' : '';

  function onItsWay() {
    if (navigator.onLine === false) return { code: 'offline', text: say('offline') };
    if (state.checking) return { code: 'challenge', text: say('challenge') };
    if (insist.attempts() === 0) return { code: 'sending', text: say('sending') };
    return { code: 'retrying', text: say('retrying') };
  }

  function cast(ballot) {
    const text = say(ballot.state, facts);
    const more = !['duplicate', ...state.UNCOUNTED].includes(ballot.state);
    return { code: ballot.state, text: more ? text + gap + next() : text };
  }

  function closed(ballot) {
    // What became of it is worth more than that all is over.
    const known = ballot && state.JUDGED.includes(ballot.state);
    if (known) return { code: ballot.state, text: say(ballot.state, facts) };
    const text = say(ballot ? 'closed_voted' : 'closed', { closes: moment(state.me.closes_at_ms) });
    return { code: 'closed', text: isInDoubt() ? text + gap + inDoubt('unconfirmed') : text };
  }

  const isInDoubt = () => state.row.state === 'unconfirmed' && Boolean(state.row.day);

  // A ballot that was sent, of which nobody said what became.
  function inDoubt(word) {
    const { row } = state;
    const chosen = row.choices.join(say('list'));
    return say(word, { day: day(row.day), choices: chosen });
  }

  function entry() {
    if (!state.me.signed_in) {
      const kind = { service: 'wechat', unionid: 'wechat' }[facts.mode] || facts.mode;
      return { code: 'sign_in', text: say('sign_in_' + kind, facts) };
    }
    const word = facts.mode === 'token' || !facts.account ? 'follow_app' : 'follow';
    return { code: 'follow', text: say(word, facts) };
  }

  function ready() {
    const n = choices.chosen().length;
    const word = n === 0 ? 'ready_none' : n < facts.max ? 'ready' : 'full';
    return { code: 'ready', text: say(word, { n, max: facts.max }) };
  }

  function message() {
    if (state.busy) return onItsWay();
    const phase = state.phase();
    const ballot = state.ballot();
    if (phase === 'closed') return closed(ballot);
    if (state.unreachable && (phase === 'unknown' || phase === 'turning')) {
      const word = navigator.onLine === false ? 'offline' : 'unreachable';
      return { code: 'offline', text: say(word) };
    }
    if (phase === 'unknown') return { code: '', text: say('loading') };
    if (phase === 'not_open') {
      return { code: 'not_open', text: say('not_open', { opens: moment(state.me.opens_at_ms) }) };
    }
    if (phase === 'turning') return { code: '', text: say('turning') };
    if (ballot) return cast(ballot);
    // Signed in, but not as somebody who may vote: how to become that is what matters then. Who
    // may vote needs no word about how to.
    const entered = state.notice && ['sign_in', 'follow', 'snapshot'].includes(state.notice.code);
    const signedIn = state.notice && state.notice.word === 'ready_signed_in';
    const idle = state.mayVote() ? entered : signedIn;
    if (state.notice && !idle) {
      const { code, word, filling } = state.notice;
      return { code, text: say(word, Object.assign({}, facts, filling)) };
    }
    if (isInDoubt() && state.row.day !== state.today()) {
      return { code: 'late', text: inDoubt('late_unsent') };
    }
    return state.mayVote() ? ready() : entry();
  }

  function count(ballot) {
    const n = ballot ? ballot.choices.length : choices.chosen().length;
    const word = !ballot ? 'count' : n === 0 ? 'cast_unknown' : 'cast_count';
    const text = say(word, { n: '\u0000', max: facts.max });
    const element = $('count');
    if (word === 'cast_unknown') {
      write(element, text);
      return;
    }
    const figure = document.createElement('b');
    figure.className = 'figures';
    figure.textContent = n;
    const [before, after] = text.split('\u0000');
    if (element.textContent === before + n + after) return;
    element.textContent = before;
    element.append(figure, after);
  }

  function slip(ballot) {
    const shown = Boolean(ballot) && ballot.choices.length > 0;
    show('slip', shown);
    if (!shown) return;
    const isUncounted = state.UNCOUNTED.includes(ballot.state);
    write($('stamp'), say('stamp_' + (isUncounted ? 'uncounted' : ballot.state)));
    write($('slip-day'), day(ballot.day));
    write($('receipt'), ballot.receipt || '');
    show('receipt-row', Boolean(ballot.receipt));
    show('check', Boolean(ballot.receipt));
    show('unchecked', Boolean(ballot.receipt) && !state.JUDGED.includes(ballot.state));
    const at = state.nextChanceMs();
    show('next-row', state.phase() === 'open');
    write($('next'), at === null ? say('next_never') : moment(at));
    const items = ballot.choices.map((number) => {
      const made = ['li', 'span', 'span'].map((tag) => document.createElement(tag));
      const [item, figure, title] = made;
      figure.className = 'figures';
      figure.textContent = number;
      title.textContent = choices.title(number);
      item.append(figure, title);
      return item;
    });
    $('slip-choices').textContent = '';
    $('slip-choices').append(...items);
  }

  // An organiser may have extended the vote since the page was made.
  function dates() {
    const { me } = state;
    for (const [id, atMs] of [['opens', me && me.opens_at_ms], ['closes', me && me.closes_at_ms]]) {
      const element = $(id);
      if (!atMs || Date.parse(element.dateTime) === atMs) continue;
      element.dateTime = new Date(atMs).toISOString();
      element.textContent = moment(atMs);
    }
  }

  // The bar may take two fifths of the window; with very large type it has to do with less.
  function fit() {
    const bar = $('bar');
    bar.classList.remove('tall');
    bar.classList.toggle('tall', bar.offsetHeight > 0.4 * window.innerHeight);
  }

  // Only its voter is told what became of a ballot. A demo voter who is forgotten stays so.
  const asksAsNobody = (ballot) =>
    Boolean(ballot && state.me && !state.me.signed_in && facts.mode !== 'demo');

  function render() {
    const { code, text } = message();
    const ballot = state.ballot();
    const phase = state.phase();
    $('message').dataset.code = code;
    $('message').classList.toggle('full', Boolean(state.notice && state.notice.word === 'full'));
    write($('message'), text);
    count(ballot);
    slip(ballot);
    dates();
    choices.lock(state.busy || Boolean(ballot) || phase === 'closed');
    const waits = ['not_open', 'closed', 'turning'].includes(phase);
    $('submit').disabled = state.busy || waits;
    const leaves = code === 'challenge' && !state.busy;
    show('to-captcha', leaves);
    show('submit', !ballot && !leaves);
    show('to-slip', Boolean(ballot) && ballot.choices.length > 0);
    show('stop', state.busy && (code === 'retrying' || code === 'offline'));
    const enters = phase !== 'unknown' && phase !== 'closed' && !ballot && !state.mayVote();
    show('sign-in', enters || asksAsNobody(ballot));
    show('check-sign-in', asksAsNobody(ballot));
    show('bar', true);
    fit();
  }

  // A long way is jumped: gliding past twenty choices tells nobody anything.
  function reveal(id) {
    const element = $(id);
    const far = Math.abs(element.getBoundingClientRect().top) > 1.5 * window.innerHeight;
    const still = far || window.matchMedia('(prefers-reduced-motion: reduce)').matches;
    element.focus({ preventScroll: true });
    element.scrollIntoView({ block: 'start', behavior: still ? 'auto' : 'smooth' });
  }

  weir.view = { render, reveal, write, fit };
})(window.weir = window.weir || {});
