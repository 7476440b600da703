// How a voter comes to be one: what the address brought, and the way in of each mode.
//
// What came behind the `#` is a secret or a word for the voter: it leaves the address bar at once,
// and is kept nowhere. Any website may have put it there: nothing of it makes who is signed in
// somebody else, or has this browser forget a ballot, before the voter has said so.
(function (weir) {
  'use strict';

  const { state, server, store, view } = weir;
  const { $, facts, say, backoff, pause } = weir.tools;
  const ATTEMPTS = 6;

  // What each outcome of WeChat's sign-in means to the voter.
  const OUTCOMES = {
    ok: { code: 'ready', word: 'ready_signed_in' },
    refused: { code: 'sign_in', word: 'login_refused' },
    snapshot: { code: 'snapshot', word: 'snapshot' },
    expired: { code: 'sign_in', word: 'login_expired' },
    busy: { code: 'sign_in', word: 'login_busy' },
    failed: { code: 'error', word: 'login_failed' },
    not_follower: { code: 'follow', word: 'follow' },
  };

  // The sign-in that waits for the voter's word, as it is sent.
  let offered = null;

  const BROUGHT = /^#(login|link|token|captcha)=([A-Za-z0-9._~-]{1,4096})$/;
  const isBrought = () => BROUGHT.test(location.hash);

  // The parts of the address that were meant for this script only.
  function brought() {
    const found = BROUGHT.exec(location.hash);
    // A reload is no second scan of a poster.
    const search = location.search.replace(/([?&])c=[^&]*(&|$)/, '$1').replace(/[?&]$/, '');
    if (found || search !== location.search) {
      const rest = found ? '' : location.hash;
      history.replaceState(history.state, '', location.pathname + search + rest);
    }
    return found ? { name: found[1], value: found[2] } : null;
  }

  // Asks whether to be somebody else.
  function offer(body) {
    offered = body;
    $('replace').hidden = false;
    view.reveal('replace');
  }

  function keep() {
    offered = null;
    $('replace').hidden = true;
  }

  // Answers whether there is a session now; else says why not.
  async function session(body) {
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      const answer = await server.signIn(body);
      if (answer && answer.status === 204) return true;
      if (answer && answer.json && answer.json.code === 'already_signed_in') {
        offer(body);
        return false;
      }
      const busy = !answer || answer.status >= 500 || answer.status === 429;
      if (!busy) {
        const detail = (answer.json && answer.json.detail) || say('error_unknown');
        state.notice = { code: 'sign_in', word: 'error', filling: { detail } };
        return false;
      }
      await pause(Math.max(answer ? answer.retryAfterMs : 0, backoff(attempt + 1))).over;
    }
    state.notice = { code: 'sign_in', word: 'login_busy' };
    return false;
  }

  async function enter(body) {
    if (!(await session(body))) return;
    state.signedIn();
    state.notice = OUTCOMES.ok;
  }

  // The voter wants to be the one who was offered.
  async function replace() {
    const body = Object.assign({ replace: true }, offered);
    keep();
    await enter(body);
  }

  // The word of WeChat's sign-in. The server says who is signed in; this only has the page say what
  // became of it, where this tab has asked for it.
  function told(outcome, left) {
    if (left && (outcome === 'ok' || outcome === 'not_follower')) state.signedIn();
    const said = Object.keys(OUTCOMES).includes(outcome) ? OUTCOMES[outcome] : null;
    if (left || (left === null && said !== OUTCOMES.ok)) state.notice = said;
  }

  // Uses what the address brought.
  async function arrive() {
    const left = store.hadLeft();
    const found = brought();
    if (!found) return;
    keep();
    if (found.name === 'captcha') {
      weir.challenge.bring(found.value);
    } else if (found.name === 'login') {
      told(found.value, left);
    } else {
      await enter({ [found.name]: found.value });
    }
  }

  async function copyKeyword() {
    try {
      await navigator.clipboard.writeText(facts.keyword);
      view.write($('copied'), say('copied'));
    } catch (refused) {
      // Marked, so that one touch copies it.
      window.getSelection().selectAllChildren($('keyword'));
    }
  }

  // Puts what the voter has to do next before them.
  function invite() {
    view.reveal('sign-in');
    if ($('login')) $('login').focus({ preventScroll: true });
  }

  const inWeChat = /MicroMessenger/i.test(navigator.userAgent);
  if ($('in-wechat') && !inWeChat) $('in-wechat').hidden = false;

  weir.signIn = { isBrought, arrive, session, replace, keep, copyKeyword, invite };
})(window.weir = window.weir || {});
