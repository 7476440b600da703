// What the page knows: the server's last word about the voter, what this browser keeps, and what
// follows from them by the server's time.
//
// Nothing here touches the page or the network.
(function (weir) {
  'use strict';

  const { store, server } = weir;
  const { facts, dateAt, isZoneKnown } = weir.tools;
  // What became of a ballot that is not counted, apart from one that another stands for.
  const UNCOUNTED = ['late', 'invalid', 'outside', 'misrouted'];
  const JUDGED = ['counted', 'duplicate', ...UNCOUNTED];
  const CAST = ['received', 'reached', 'already_voted', ...JUDGED];

  const state = {
    me: null,
    row: store.load(),
    // Said until the voter does something: `{code, word, filling}`.
    notice: null,
    // Whether a ballot is on its way, and whether the server was ever reached.
    busy: false,
    // Whether it waits for this phone to show something.
    checking: false,
    unreachable: false,
    // Whether somebody has signed in since it was known whose ballot is kept.
    unclaimed: false,
  };

  // not_open, open or closed; turning once a day or the vote should be over and the server has not
  // said so yet: an organiser may have extended it; unknown before the first answer.
  function phase() {
    const { me } = state;
    const now = server.now();
    if (!me || now === null) return 'unknown';
    if (me.state === 'closed') return 'closed';
    if (now < me.opens_at_ms) return 'not_open';
    return me.state === 'open' && now < me.day_ends_at_ms ? 'open' : 'turning';
  }

  const today = () => (phase() === 'open' ? state.me.day : null);
  const isCast = (row) => CAST.includes(row.state);

  // Today's ballot, if it is known to be cast; after the close, that of the last day. Where nobody
  // says what day it is, the last one there was: it is shown with its day.
  function ballot() {
    const { row } = state;
    if (!isCast(row)) return null;
    switch (phase()) {
      case 'open': return row.day === state.me.day ? row : null;
      case 'closed':
        return !isZoneKnown || row.day === dateAt(state.me.closes_at_ms - 1) ? row : null;
      case 'turning': {
        const { day, closes_at_ms: closesAtMs } = state.me;
        return server.now() >= closesAtMs && row.day === day ? row : null;
      }
      case 'unknown': return state.unreachable ? row : null;
      default: return null;
    }
  }

  // The next instant this voter may cast a ballot after today's; null if never again.
  function nextChanceMs() {
    const { me } = state;
    return me && me.day_ends_at_ms < me.closes_at_ms ? me.day_ends_at_ms : null;
  }

  function keep(row) {
    state.row = store.save(row);
  }

  const choosing = (choices) => keep({ day: today(), choices, state: 'choosing' });
  const same = (a, b) => a.length === b.length && a.every((number) => b.includes(number));

  // Takes the server's word.
  function hear(me) {
    state.me = me;
    state.unreachable = false;
    const { row } = state;
    const day = today();
    if (isCast(row) && day !== null && row.day !== day) {
      choosing([]);
      state.notice = null;
    }
    const cast = me.ballot;
    if (!cast || state.busy || (day !== null && cast.day !== day)) return;
    if (row.day === cast.day && (row.state === 'duplicate' || row.receipt === cast.receipt)) return;
    // What was on its way when the page was left has arrived; anything else came from elsewhere.
    const sent = row.state === 'pending' || row.state === 'unconfirmed';
    const arrived = sent && same(row.choices, cast.choices);
    keep(Object.assign({}, cast, { state: arrived ? 'received' : 'already_voted' }));
  }

  // Somebody has signed in: what is kept of a ballot may be another's. Most often it is not: only
  // the server's word makes it go.
  function signedIn() {
    const { row } = state;
    state.unclaimed = isCast(row) && Boolean(row.receipt);
    if (isCast(row) && !row.receipt) choosing([]);
  }

  // The kept ballot is not of who is signed in.
  function disown(receipt) {
    if (isCast(state.row) && state.row.receipt === receipt) choosing([]);
  }

  // A ballot's way goes up only: a slow answer about an earlier state says nothing new.
  function advance(receipt, code, standing) {
    const { row } = state;
    if (row.receipt !== receipt || !isCast(row)) return;
    if (code === 'reached' && row.state !== 'received') return;
    keep(Object.assign({}, row, { state: code }, standing));
  }

  const mayVote = () =>
    state.me && state.me.signed_in && (!facts.followersOnly || state.me.follower);

  weir.state = Object.assign(state, {
    phase, today, ballot, nextChanceMs, keep, choosing, hear, signedIn, disown, advance, mayVote,
    isCast, UNCOUNTED, JUDGED,
  });
})(window.weir = window.weir || {});
