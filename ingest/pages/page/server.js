// Asking the server, and its time.
//
// Every question ends: in an answer, or in `null` where there was none. The phone's clock is never
// asked what time it is, only whether it jumped while the page slept.
(function (weir) {
  'use strict';

  const { facts } = weir.tools;
  const DEADLINE_MS = 12000;
  const SLEPT_MS = 2000;
  const base = '/v1/campaigns/' + facts.id;

  function retryAfterMs(headers) {
    const seconds = Number(headers.get('Retry-After'));
    return seconds > 0 ? Math.min(seconds, 600) * 1000 : 0;
  }

  async function fetched(path, options) {
    const answer = await fetch(path, options);
    const text = await answer.text();
    let json = null;
    try {
      json = JSON.parse(text);
    } catch (none) {
      // 204, or not ours: a proxy's error page.
    }
    return { status: answer.status, json, retryAfterMs: retryAfterMs(answer.headers) };
  }

  // `{status, json, retryAfterMs}`, or null if no answer came in time.
  async function ask(method, path, body, headers) {
    const controller = window.AbortController ? new AbortController() : null;
    const options = {
      method,
      cache: 'no-store',
      credentials: 'same-origin',
      headers: Object.assign(
        { 'Accept': 'application/json', 'Accept-Language': facts.language }, headers),
    };
    if (controller) options.signal = controller.signal;
    if (body !== undefined) {
      options.headers['Content-Type'] = 'application/json';
      options.body = JSON.stringify(body);
    }
    let timer = null;
    const deadline = new Promise((resolve) => {
      timer = setTimeout(() => resolve(null), DEADLINE_MS);
    });
    try {
      const answer = await Promise.race([fetched(path, options), deadline]);
      if (!answer && controller) controller.abort();
      return answer;
    } catch (unreachable) {
      return null;
    } finally {
      clearTimeout(timer);
    }
  }

  let known = null;

  // The server's time as it answered, put to the middle of the question's way.
  async function me() {
    const askedAt = performance.now();
    const answer = await ask('GET', base + '/me');
    if (!answer || answer.status !== 200 || !answer.json) return null;
    const at = (askedAt + performance.now()) / 2;
    known = { nowMs: answer.json.now_ms, at, dateMs: Date.now() - (performance.now() - at) };
    return answer.json;
  }

  const now = () => (known ? known.nowMs + performance.now() - known.at : null);

  // Whether the phone slept, or its page was frozen: the two clocks of the page differ.
  function slept() {
    const date = known ? Date.now() - known.dateMs : 0;
    return known !== null && Math.abs(date - (performance.now() - known.at)) > SLEPT_MS;
  }

  weir.server = {
    me,
    now,
    slept,
    cast: (day, choices, solution) => ask('POST', base + '/ballots', { choices, day },
      solution ? { 'Weir-Challenge': solution } : {}),
    signIn: (body) => ask('POST', base + '/session', body),
    frontiers: () => ask('GET', base + '/frontiers'),
    receipt: (receipt) => ask('GET', '/v1/receipts/' + facts.id + '/' + receipt),
    outcome: (receipt) => ask('GET', '/v1/receipts/' + facts.id + '/' + receipt + '?outcome'),
  };
})(window.weir = window.weir || {});
