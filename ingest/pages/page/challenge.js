// What a voter has to show before a ballot is taken that comes in an unusual way: a little work,
// which this phone does by itself, or a captcha on a page of the organiser's, which sends the voter
// back with a response.
//
// Hardly anybody meets it, so the work's script is fetched only when it is asked for.
(function (weir) {
  'use strict';

  const { state, view } = weir;
  const { $ } = weir.tools;
  let response = null;

  const isAsked = (answer) =>
    answer.status === 403 && Boolean(answer.json) && answer.json.code === 'challenge_required';

  // Whether the script is here.
  function fetched() {
    if (weir.work) return Promise.resolve(true);
    const script = document.createElement('script');
    script.src = document.body.dataset.work;
    const over = new Promise((resolve) => {
      script.onload = () => resolve(Boolean(weir.work));
      script.onerror = () => resolve(false);
    });
    document.head.append(script);
    return over.then((here) => {
      script.remove();
      return here;
    });
  }

  // The work's result, as the server wants it; null if there is none, or none is wanted any more.
  async function work({ seed, bits }, isOver) {
    state.checking = true;
    view.render();
    const number = (await fetched()) ? await weir.work.solve(seed, bits, isOver) : null;
    state.checking = false;
    return number === null ? null : 'work ' + seed + ' ' + number;
  }

  // Keeps the ballot until the voter is back, and shows the way to where the captcha is.
  function leave(url) {
    if (!/^https:\/\//.test(url)) return;
    const here = location.origin + location.pathname + location.search;
    const joint = url.includes('?') ? '&' : '?';
    $('to-captcha').href = url + joint + 'return=' + encodeURIComponent(here);
    state.keep(Object.assign({}, state.row, { state: 'challenged' }));
    state.notice = { code: 'challenge', word: 'challenge_captcha' };
  }

  // Does what is asked. Answers with the solution; null if there is none now.
  async function meet(answer, isOver) {
    const task = answer.json.challenge || {};
    if (task.kind === 'work') return work(task, isOver);
    if (task.kind === 'captcha') leave(String(task.page_url));
    return null;
  }

  // The address has brought a response: the ballot that waited for it is to be sent.
  function bring(value) {
    response = 'captcha ' + value;
    const { row } = state;
    if (row.state === 'challenged') state.keep(Object.assign({}, row, { state: 'pending' }));
  }

  // What the address has brought. It holds once.
  function take() {
    const taken = response;
    response = null;
    return taken;
  }

  weir.challenge = { isAsked, meet, bring, take };
})(window.weir = window.weir || {});
