// One ballot on its way: sent again with the same choices and the same day until it is answered,
// its day ends, or the voter stops it.
//
// It is kept before it is sent, so that a page that is left in the middle goes on where it was.
// What an answer means is decided here and nowhere else.
(function (weir) {
  'use strict';

  const { state, server, insist, view, challenge } = weir;
  const { facts, say, jitter, pause, TURN_SPREAD_MS } = weir.tools;

  // Solutions in a row for one ballot: one is enough, unless it took too long.
  const CHALLENGES_MAX = 3;

  // Asks who this is, and what the server says of day and vote.
  let askAnew = () => Promise.resolve(false);
  // Whether the pending ballot was sent before, and what became of that is not known.
  let inDoubt = false;

  function give(code, word, filling) {
    state.notice = { code, word, filling };
  }

  // Whether the pending ballot can no longer be cast, whatever the server would say.
  function isOver() {
    const phase = state.phase();
    const { day } = state.row;
    if (phase === 'open') return Boolean(day) && day !== state.today();
    return phase !== 'unknown';
  }

  const heard = async () => ((await askAnew()) ? { status: 200 } : null);

  // A day or a vote that is over by the clock may have been extended: the server is asked before
  // the ballot is given up.
  async function insistOn(question) {
    for (;;) {
      const answer = await insist.insist(question, isOver, view.render);
      if (answer || state.phase() !== 'turning' || state.isCast(state.row)) return answer;
      await pause(jitter(TURN_SPREAD_MS)).over;
      if (!(await insist.insist(heard, () => false, view.render))) return null;
    }
  }

  function refused(answer) {
    const detail = (answer.json && answer.json.detail) || say('error_unknown');
    give('error', 'error', { detail });
    return 'told';
  }

  // What keeps the pending ballot from being sent now; null if nothing does.
  async function hindrance() {
    const known = state.me && (state.mayVote() || facts.mode === 'demo');
    if (!known && !(await insistOn(heard))) return 'unanswered';
    if (isOver()) return 'unanswered';
    if (!state.me.signed_in && facts.mode === 'demo') {
      const answer = await insistOn(() => server.signIn({ demo: true }));
      if (!answer) return 'unanswered';
      if (answer.status !== 204) return refused(answer);
      state.me.signed_in = state.me.follower = true;
    }
    if (!state.row.day) state.keep(Object.assign({}, state.row, { day: state.today() }));
    return state.mayVote() ? null : 'sign_in';
  }

  // The answer to this ballot, once the voter has shown what may be asked of them.
  async function answered(row) {
    let solution = challenge.take();
    const cast = () => {
      inDoubt = Boolean(state.row.sent);
      if (!inDoubt) state.keep(Object.assign({}, state.row, { sent: true }));
      return server.cast(row.day, row.choices, solution);
    };
    for (let attempt = 1; ; attempt += 1) {
      const answer = await insistOn(cast);
      if (!answer || !challenge.isAsked(answer) || attempt > CHALLENGES_MAX) return answer;
      solution = await challenge.meet(answer, isOver);
      if (!solution) return isOver() ? null : answer;
    }
  }

  // What to do next, after the answer to this ballot.
  function settle(row, answer) {
    const json = answer.json || {};
    if (answer.status === 202) {
      const day = json.day || row.day;
      state.keep({ day, choices: row.choices, state: 'received', receipt: json.receipt });
      return 'cast';
    }
    if (answer.status === 409) {
      state.keep({ day: row.day, choices: [], state: 'already_voted' });
      return 'ask';
    }
    if (answer.status === 401) {
      state.me.signed_in = state.me.follower = false;
      give('sign_in', 'sign_in_again');
      return facts.mode === 'demo' ? 'again' : 'sign_in';
    }
    if (json.code === 'not_a_follower') {
      state.me.follower = false;
      return 'sign_in';
    }
    // It waits for the voter to come back.
    if (state.row.state === 'challenged') return 'leave';
    // An earlier attempt may have arrived in time.
    if (json.code === 'closed' && inDoubt) return 'over';
    if (json.code === 'not_open' || json.code === 'closed') return 'ask';
    return refused(answer);
  }

  // Nobody answered: its day is over, or the voter has stopped it, or another tab was faster.
  function unanswered(over) {
    if (state.isCast(state.row)) return;
    if (!over) give('ready', 'ready_stopped');
    else if (state.row.day && state.phase() !== 'not_open') {
      state.keep(Object.assign({}, state.row, { state: 'unconfirmed' }));
    }
  }

  // Sends the pending ballot. Answers what to do next: cast, ask, sign_in, again, leave or
  // told.
  async function send(ask) {
    askAnew = ask;
    state.busy = true;
    state.notice = null;
    view.render();
    let next = await hindrance();
    if (next === null) {
      const { row } = state;
      const answer = await answered(row);
      next = answer ? settle(row, answer) : 'unanswered';
    }
    if (next === 'over') await askAnew();
    if (next === 'unanswered' || next === 'over') {
      unanswered(next === 'over' || isOver());
      next = 'told';
    }
    if (state.row.state === 'pending') state.choosing(state.row.choices);
    state.busy = false;
    return next;
  }

  weir.send = { send, give, isOver };
})(window.weir = window.weir || {});
