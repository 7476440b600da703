// The page's course: who is asking, choosing, submitting, and time passing.
(function (weir) {
  'use strict';

  const { state, server, store, choices, insist, view, receipt, signIn } = weir;
  const { give, isOver } = weir.send;
  const { $, facts, jitter, backoff, pause, TURN_SPREAD_MS } = weir.tools;
  const TICK_MS = 20000;
  const TURNING_MS = 4000;
  const STALE_MS = 30000;
  let asking = null;
  let insisting = false;
  let heardAt = 0;
  let timer = null;

  function refresh() {
    view.render();
    receipt.follow();
    schedule();
  }

  // Asks who this is, once at a time. Answers whether there was an answer.
  function ask() {
    if (!asking) {
      asking = server.me().then((me) => {
        asking = null;
        if (!me) return false;
        heardAt = performance.now();
        state.hear(me);
        if (!state.busy) choices.choose(state.row.choices);
        refresh();
        receipt.claim();
        return true;
      });
    }
    return asking;
  }

  // Asks until there is an answer.
  async function askUntilHeard() {
    if (insisting) return;
    insisting = true;
    for (let attempt = 1; !(await ask()); attempt += 1) {
      state.unreachable = true;
      view.render();
      await pause(500 + backoff(attempt)).over;
    }
    insisting = false;
  }

  // The next instant at which something changes by itself; a phone that slept is told at once.
  function schedule() {
    clearTimeout(timer);
    const now = server.now();
    const { me } = state;
    if (now === null) return;
    const edges = [me.opens_at_ms, me.day_ends_at_ms, me.closes_at_ms].filter((at) => at > now);
    // The server has not said yet that it is over.
    const tickMs = state.phase() === 'turning' ? TURNING_MS : TICK_MS;
    timer = setTimeout(tick, Math.min(tickMs, ...edges.map((at) => at - now + 20)));
  }

  function tick() {
    const turned = state.phase() === 'turning';
    refresh();
    // A ballot that waits for its next attempt has none when its day is over.
    if (state.busy && isOver()) insist.hurry();
    if (turned || server.slept()) {
      // Everybody's day ends at once: they do not all ask at once.
      setTimeout(askUntilHeard, jitter(TURN_SPREAD_MS));
    }
  }

  async function send(again) {
    if (state.busy) return;
    const next = await weir.send.send(ask);
    choices.choose(state.row.choices);
    refresh();
    if (next === 'again' && !again) {
      submit(true);
      return;
    }
    if (next === 'ask') await ask();
    if (next === 'leave') $('to-captcha').focus({ preventScroll: true });
    if (next === 'sign_in' || next === 'again') signIn.invite();
    if ((next === 'cast' || next === 'ask') && state.ballot()) view.reveal('slip');
  }

  function submit(again) {
    const chosen = choices.chosen();
    if (state.busy || state.ballot()) return;
    if (chosen.length < facts.min) {
      give('too_few', 'too_few', { n: chosen.length });
      view.render();
      return;
    }
    state.keep({ day: state.today(), choices: chosen, state: 'pending' });
    send(again === true);
  }

  // Another tab has voted, or changed its mind.
  function heardOfTab(row) {
    if (state.busy && !state.isCast(row)) return;
    if (row.state === 'pending') row.state = 'choosing';
    state.row = row;
    if (state.isCast(row)) insist.stop();
    choices.choose(row.choices);
    refresh();
  }

  // The voter is back, from another page or another app.
  function seen() {
    if (document.visibilityState === 'hidden') return;
    insist.hurry();
    receipt.hurry();
    const stale = performance.now() - heardAt > STALE_MS || server.slept();
    if (stale || state.phase() === 'turning' || !state.mayVote()) ask();
    else refresh();
  }

  function restored(event) {
    if (!event.persisted) return;
    // It came back without an answer.
    store.hadLeft();
    if (!state.busy) state.row = store.load();
    ask();
  }

  async function demo() {
    if (await signIn.session({ demo: true })) {
      state.signedIn();
      give('ready', 'ready_signed_in');
    }
    await askUntilHeard();
    view.render();
  }

  async function becomeAnother() {
    await signIn.replace();
    await askUntilHeard();
    view.render();
  }

  function chose() {
    state.notice = null;
    state.choosing(choices.chosen());
    view.render();
  }

  function choseTooMany() {
    give('ready', 'full');
    view.render();
  }

  function listen() {
    choices.listen(chose, choseTooMany);
    $('ballot').addEventListener('submit', (event) => {
      event.preventDefault();
      submit();
    });
    $('stop').addEventListener('click', insist.stop);
    $('check').addEventListener('click', receipt.check);
    $('to-slip').addEventListener('click', (event) => {
      event.preventDefault();
      view.reveal('slip');
    });
    $('check-sign-in').addEventListener('click', (event) => {
      event.preventDefault();
      signIn.invite();
    });
    if (facts.mode === 'demo') $('login').addEventListener('click', demo);
    if (facts.mode === 'service' || facts.mode === 'unionid') {
      $('login').addEventListener('click', store.leave);
    }
    $('replace-yes').addEventListener('click', becomeAnother);
    $('replace-no').addEventListener('click', signIn.keep);
    if (facts.mode === 'link') $('login').addEventListener('click', signIn.copyKeyword);
    store.onChange(heardOfTab);
    document.addEventListener('visibilitychange', seen);
    window.addEventListener('pageshow', restored);
    window.addEventListener('resize', view.fit);
    window.addEventListener('offline', view.render);
    window.addEventListener('focus', receipt.hurry);
    window.addEventListener('online', () => {
      receipt.hurry();
      if (state.me) view.render();
      else ask();
    });
    window.addEventListener('hashchange', () => signIn.isBrought() && begin());
  }

  async function begin() {
    await signIn.arrive();
    await askUntilHeard();
    if (state.row.state === 'pending') send();
  }

  if (!state.isCast(state.row)) choices.choose(state.row.choices);
  listen();
  view.render();
  begin();
})(window.weir = window.weir || {});
