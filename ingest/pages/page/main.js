// The page's course: who is asking, choosing, submitting, and time passing.
(function (weir) {
  'use strict';

  const { state, server, store, choices, insist, view, receipt, signIn } = weir;
  const { $, facts, jitter, backoff } = weir.tools;
  const TICK_MS = 20000;
  const STALE_MS = 30000;
  const SPREAD_MS = 2000;
  let asking = null;
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
        return true;
      });
    }
    return asking;
  }

  // Asks until there is an answer; a ballot on its way asks by itself.
  async function askUntilHeard() {
    for (let attempt = 0; !(await ask()); attempt += 1) {
      state.unreachable = true;
      view.render();
      await new Promise((resolve) => setTimeout(resolve, 500 + backoff(attempt + 1)));
      if (state.busy) return;
    }
  }

  // The next instant at which something changes by itself; a phone that slept is told at once.
  function schedule() {
    clearTimeout(timer);
    const now = server.now();
    const { me } = state;
    if (now === null) return;
    const edges = [me.opens_at_ms, me.day_ends_at_ms, me.closes_at_ms].filter((at) => at > now);
    timer = setTimeout(tick, Math.min(TICK_MS, ...edges.map((at) => at - now + 20)));
  }

  function tick() {
    const phase = state.phase();
    const turned = phase === 'turning' || (phase === 'closed' && state.me.state !== 'closed');
    refresh();
    if (turned || server.slept()) {
      // Everybody's day ends at once: they do not all ask at once.
      clearTimeout(timer);
      timer = setTimeout(askUntilHeard, jitter(SPREAD_MS));
    }
  }

  function give(code, word, filling) {
    state.notice = { code, word, filling };
  }

  // Whether this ballot can be sent now; else the page says what is missing. Throws nothing.
  async function admitted() {
    const { row } = state;
    if (!state.mayVote()) {
      await insist.insist(async () => ((await ask()) ? { status: 200 } : null), isOver, view.render);
    }
    if (!state.me || state.phase() !== 'open') return false;
    if (row.day && row.day !== state.today()) {
      give('late', 'late_unsent');
      return false;
    }
    if (!state.me.signed_in && facts.mode === 'demo') {
      if (await signIn.session({ demo: true })) state.me.signed_in = state.me.follower = true;
    }
    if (state.row.state === 'pending' && !state.row.day) {
      state.keep(Object.assign({}, state.row, { day: state.today() }));
    }
    return state.mayVote();
  }

  const isOver = () => {
    const phase = state.phase();
    const { day } = state.row;
    return phase === 'closed' || phase === 'turning' || Boolean(day && phase === 'open' && day !== state.today());
  };

  // What an answer to a ballot means.
  function settle(answer) {
    const { row } = state;
    const json = answer.json || {};
    if (answer.status === 202) {
      state.keep({ day: json.day, choices: row.choices, state: 'received', receipt: json.receipt });
      return 'cast';
    }
    if (answer.status === 409) {
      state.keep({ day: row.day, choices: [], state: 'already_voted' });
      return 'ask';
    }
    state.choosing(row.choices);
    if (answer.status === 401) {
      state.me.signed_in = state.me.follower = false;
      give('sign_in', 'sign_in_again');
      return facts.mode === 'demo' ? 'again' : 'sign_in';
    }
    if (json.code === 'not_a_follower') {
      state.me.follower = false;
      return 'sign_in';
    }
    if (json.code === 'not_open' || json.code === 'closed') return 'ask';
    give('error', 'error', { detail: json.detail || weir.tools.say('error_unknown') });
    return 'told';
  }

  // Sends the pending ballot until it is answered, its day ends, or the voter stops it.
  async function send(again) {
    if (state.busy) return;
    state.busy = true;
    state.notice = null;
    view.render();
    let next = 'told';
    if (await admitted()) {
      const { day, choices: chosen } = state.row;
      const answer = await insist.insist(() => server.cast(day, chosen), isOver, view.render);
      next = answer ? settle(answer) : 'unanswered';
    } else {
      next = state.me && state.phase() === 'open' && !state.notice ? 'sign_in' : 'told';
    }
    if (state.row.state === 'pending') state.choosing(state.row.choices);
    if (next === 'unanswered') {
      if (isOver() || state.phase() !== 'open') give('late', 'late_unsent');
      else give('ready', 'ready_stopped');
    }
    state.busy = false;
    choices.choose(state.row.choices);
    refresh();
    if (next === 'ask') await ask();
    if (next === 'cast' || (next === 'ask' && state.ballot())) view.reveal('slip');
    if (next === 'sign_in') signIn.invite();
    if (next === 'again' && !again) submit(true);
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

  function seen(event) {
    if (document.visibilityState === 'hidden') return;
    insist.hurry();
    const stale = performance.now() - heardAt > STALE_MS || server.slept();
    if (event.persisted || stale || state.phase() === 'turning' || !state.mayVote()) ask();
    else refresh();
  }

  async function demo() {
    if (await signIn.session({ demo: true })) {
      state.signedIn();
      give('ready', 'ready_signed_in');
    }
    await ask();
    view.render();
  }

  function listen() {
    choices.listen(() => {
      state.notice = null;
      state.choosing(choices.chosen());
      view.render();
    }, () => {
      give('ready', 'full');
      view.render();
    });
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
    if (facts.mode === 'demo') $('login').addEventListener('click', demo);
    if (facts.mode === 'link') $('login').addEventListener('click', signIn.copyKeyword);
    store.onChange(heardOfTab);
    document.addEventListener('visibilitychange', seen);
    window.addEventListener('pageshow', seen);
    window.addEventListener('offline', view.render);
    window.addEventListener('online', () => (state.me ? view.render() : ask()));
    window.addEventListener('hashchange', begin);
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
