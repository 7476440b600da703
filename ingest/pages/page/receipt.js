// What became of a ballot: whose it is, whether the count has read it, and, when the voter asks,
// whether it counted.
//
// That it was read comes from the frontiers that are the same for everybody and cached; the outcome
// costs the server a scan, so only the button asks for it.
(function (weir) {
  'use strict';

  const { state, server, choices, view } = weir;
  const { $, facts, say, pause } = weir.tools;
  const WAITS_S = [1, 2, 4, 8, 15];
  const WAIT_S = 60;
  const HURRIED_MS_MIN = 2000;
  let followed = null;
  let wait = null;
  let looks = 0;
  let lookedAt = 0;
  let claiming = false;

  const visible = () => document.visibilityState !== 'hidden';

  function untilVisible() {
    if (visible()) return Promise.resolve();
    return new Promise((resolve) => {
      document.addEventListener('visibilitychange', function seen() {
        if (!visible()) return;
        document.removeEventListener('visibilitychange', seen);
        resolve();
      });
    });
  }

  function isReached(receipt, answer) {
    const [partition, offset] = receipt.split('-').map(Number);
    const frontiers = answer && answer.status === 200 && answer.json && answer.json.frontiers;
    return Array.isArray(frontiers) && frontiers[partition] > offset;
  }

  // Looks now and then whether the count has read today's ballot, until it has.
  async function follow() {
    const { row } = state;
    if (row.state !== 'received' || !row.receipt || followed === row.receipt) return;
    followed = row.receipt;
    looks = 0;
    for (;;) {
      const waitS = looks < WAITS_S.length ? WAITS_S[looks] : WAIT_S;
      looks += 1;
      wait = pause(waitS * 1000 * (0.75 + Math.random() / 2));
      await wait.over;
      await untilVisible();
      if (followed !== row.receipt || state.row.receipt !== row.receipt) return;
      lookedAt = performance.now();
      if (!isReached(row.receipt, await server.frontiers())) continue;
      state.advance(row.receipt, 'reached');
      view.render();
      return;
    }
  }

  // The voter is back, or the network is: what took long may be there by now.
  function hurry() {
    if (!wait || performance.now() - lookedAt < HURRIED_MS_MIN) return;
    looks = 0;
    wait.wake();
  }

  // After a sign-in: keeps the ballot unless the server says that it is another voter's. Without an
  // answer it is kept, and asked about again.
  async function claim() {
    const { receipt } = state.row;
    if (!state.unclaimed || claiming || !state.me.signed_in) return;
    if (!receipt || (state.me.ballot && state.me.ballot.receipt === receipt)) {
      state.unclaimed = false;
      return;
    }
    claiming = true;
    const answer = await server.receipt(receipt);
    claiming = false;
    if (!answer || (answer.status !== 200 && answer.status !== 404)) return;
    state.unclaimed = false;
    const code = answer.json && answer.json.code;
    if (answer.status !== 404 || code !== 'unknown_receipt') return;
    state.disown(receipt);
    if (!state.busy) choices.choose(state.row.choices);
    view.render();
  }

  // The note to show, if the ballot's state does not say all.
  function judged(receipt, answer) {
    if (!answer) return 'check_unreachable';
    if (answer.status === 429) return 'check_busy';
    if (answer.status === 401 && facts.mode !== 'demo') {
      if (state.me) state.me.signed_in = state.me.follower = false;
      return 'check_sign_in';
    }
    if (answer.status === 401 || answer.status === 404) return 'check_not_yours';
    if (answer.status !== 200 || !answer.json) return 'check_unreachable';
    const { outcome, counted } = answer.json;
    if (outcome === 'pending') return 'check_pending';
    if (outcome === 'counted') {
      // A ballot that stands in place of another one goes on doing so.
      if (state.row.state === 'duplicate') return 'counted';
      state.advance(receipt, 'counted');
    } else if (outcome === 'duplicate' && counted) {
      state.advance(receipt, 'duplicate', { receipt: counted.receipt, choices: counted.choices });
      if (!state.busy) choices.choose(state.row.choices);
    } else if (state.UNCOUNTED.includes(outcome)) {
      state.advance(receipt, outcome);
    } else {
      return 'check_unreachable';
    }
    return null;
  }

  async function check() {
    const { receipt } = state.row;
    const button = $('check');
    if (!receipt || button.getAttribute('aria-busy') === 'true') return;
    button.setAttribute('aria-busy', 'true');
    view.write($('check-note'), say('check_asking'));
    const answer = await server.outcome(receipt);
    button.removeAttribute('aria-busy');
    const note = judged(receipt, answer);
    view.write($('check-note'), note ? say(note) : '');
    view.render();
  }

  weir.receipt = { follow, hurry, claim, check };
})(window.weir = window.weir || {});
