// What became of a ballot: whether the count has read it, and, when the voter asks, whether it
// counted.
//
// The first comes from the frontiers that are the same for everybody and cached; the second costs
// the server a scan, so only the button asks for it.
(function (weir) {
  'use strict';

  const { state, server, view } = weir;
  const { $, say, pause } = weir.tools;
  const WAITS_S = [1, 2, 4, 8, 15, 15, 15, 15, 15, 15];
  let followed = null;

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
    for (const waitS of WAITS_S) {
      await pause(waitS * 1000 * (0.75 + Math.random() / 2)).over;
      await untilVisible();
      if (followed !== row.receipt || state.row.receipt !== row.receipt) return;
      if (!isReached(row.receipt, await server.frontiers())) continue;
      state.advance(row.receipt, 'reached');
      view.render();
      return;
    }
  }

  // The note to show, if the ballot's state does not say all.
  function judged(receipt, answer) {
    if (!answer) return 'check_unreachable';
    if (answer.status === 429) return 'check_busy';
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
    } else {
      state.advance(receipt, 'late');
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

  weir.receipt = { follow, check };
})(window.weir = window.weir || {});
