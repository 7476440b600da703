// Asking again and again until there is an answer that says something: with growing waits, full
// jitter, never before `Retry-After`, and a way to stop.
//
// One question at a time. What is asked again must be safe to ask again.
(function (weir) {
  'use strict';

  const { jitter, backoff, pause } = weir.tools;
  const WAIT_MS_MIN = 100;
  let task = null;

  // Nobody home, too many, or broken: not an answer to the question.
  const saysNothing = (answer) =>
    !answer || answer.status >= 500 || answer.status === 429 || answer.status === 408;

  function waitMs(answer, attempt) {
    const asked = answer ? answer.retryAfterMs : 0;
    if (asked > 0) return asked + jitter(Math.min(15000, 500 * Math.pow(2, attempt)));
    return Math.max(WAIT_MS_MIN, backoff(attempt));
  }

  // The answer; null if it was stopped, or if `isOver` came to hold before there was one.
  async function insist(question, isOver, changed) {
    const mine = { attempt: 0, stopped: false, wait: null };
    task = mine;
    try {
      for (;;) {
        if (mine.stopped || isOver()) return null;
        changed();
        const answer = await question();
        if (!saysNothing(answer)) return answer;
        if (mine.stopped) return null;
        mine.wait = pause(waitMs(answer, mine.attempt));
        mine.attempt += 1;
        changed();
        await mine.wait.over;
      }
    } finally {
      if (task === mine) task = null;
    }
  }

  function stop() {
    if (!task) return;
    task.stopped = true;
    hurry();
  }

  // The network is back, or the voter is.
  function hurry() {
    if (task && task.wait) task.wait.wake();
  }

  window.addEventListener('online', () => setTimeout(hurry, jitter(300)));

  const attempts = () => (task ? task.attempt : 0);

  weir.insist = { insist, stop, hurry, attempts };
})(window.weir = window.weir || {});
