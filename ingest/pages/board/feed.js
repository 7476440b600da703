// Where the count comes from: a stream of documents, and asking where there is none or it is quiet.
//
// Invariant: a document gives way only to one in which no frontier is lower. A final count is the
// last: nothing is asked any more. Never here: elements of the page.
(function (board) {
  'use strict';

  const { isSameCount, supersedes } = board.count;
  const { facts, now } = board.tools;
  // A stream is silent while nobody votes: after so long the server is asked whether that is so.
  const QUIET_MS = 15000;
  const POLL_MS = 5000;
  const HIDDEN_POLL_MS = 60000;
  const BACKOFF_MAX_MS = 15000;
  const PATIENCE_MS = 10000;
  // Streams that fail so often in a row give way to asking for a while.
  const FAILURES_MAX = 3;
  const STREAM_AGAIN_MS = 60000;
  // A page that nobody sees for so long holds no stream.
  const UNSEEN_MS = 60000;
  const CAMPAIGN_MS = 300000;
  // At the close by this page's clock, until the server says so too: it may have been extended.
  const CLOSE_MS = 5000;

  const feed = {
    tally: null,
    // When the shown count was last known to be the newest, by this device's clock.
    freshAt: 0,
    // Why there is no count: hidden, not_ready, gone or offline; other where it is of another
    // journal than the shown one.
    problem: facts.isHidden ? 'hidden' : null,
    // Whether the server has said that voting is over.
    isClosed: false,
  };
  let changed = () => {};
  let etag = null;
  let askAt = 0;
  let asking = false;
  let refused = 0;
  let stream = null;
  let streamAt = 0;
  let failures = 0;
  let seenAt = 0;
  let campaignAt = 0;
  let campaignAskedAt = 0;

  const spread = (ms) => ms * (1 + Math.random() / 4);

  function fresh() {
    feed.problem = null;
    feed.freshAt = Date.now();
    board.pace.note(feed.tally, feed.freshAt);
  }

  // Takes a document if it may be shown. Answers whether it was news.
  function receive(next, tag) {
    if (feed.tally && !isSameCount(next, feed.tally)) {
      feed.problem = 'other';
      return false;
    }
    // From a server that is behind: it does not say what is so now either.
    if (!supersedes(next, feed.tally)) return false;
    const isNews = tag !== etag;
    feed.tally = next;
    etag = tag;
    fresh();
    changed(isNews);
    return isNews;
  }

  function get(path, headers) {
    const options = { headers, cache: 'no-store', credentials: 'omit' };
    let timer = null;
    if (typeof AbortController === 'function') {
      const patience = new AbortController();
      options.signal = patience.signal;
      timer = setTimeout(() => patience.abort(), PATIENCE_MS);
    }
    const read = async () => {
      const answer = await fetch(path, options);
      return { answer, body: answer.status === 304 ? null : await answer.json() };
    };
    const done = () => clearTimeout(timer);
    const reading = read();
    reading.then(done, done);
    return reading;
  }

  function refuse(problem) {
    refused += 1;
    // What was said to be hidden stays so until there is a count.
    if (feed.problem !== 'hidden' || problem === 'gone') feed.problem = problem;
  }

  function take({ answer, body }, streaming) {
    if (answer.status === 304 || answer.ok) {
      // The server is back: streams may be, too.
      if (refused > 0) streamAt = Date.now() + POLL_MS * Math.random();
      refused = 0;
      if (!body) fresh();
      else if (receive(body, answer.headers.get('ETag')) && streaming) failed();
    } else if (body.code === 'results_hidden') {
      refused = 0;
      feed.problem = 'hidden';
    } else if (body.code === 'unknown_campaign') {
      refuse('gone');
    } else {
      refuse(answer.status === 503 ? 'not_ready' : 'offline');
    }
  }

  // Asks for the tally. What the stream should have brought counts against the stream: something
  // between here and the server may hold it back.
  async function ask() {
    const streaming = stream && stream.readyState === 1;
    asking = true;
    try {
      take(await get(`${facts.address}/tally`, etag ? { 'If-None-Match': etag } : {}), streaming);
    } catch (unreachable) {
      refuse('offline');
    }
    asking = false;
    askAt = Date.now() + spread(pause());
    changed(false);
  }

  function pause() {
    if (feed.problem === 'hidden') {
      return Math.min(HIDDEN_POLL_MS, Math.max(POLL_MS, facts.closes - now()));
    }
    return refused ? Math.min(BACKOFF_MAX_MS, 1000 * Math.pow(2, refused)) : POLL_MS;
  }

  function open() {
    const opened = new EventSource(`${facts.address}/tally/stream`);
    stream = opened;
    opened.addEventListener('tally', (event) => {
      if (stream !== opened) return;
      failures = 0;
      receive(JSON.parse(event.data), event.lastEventId);
    });
    opened.onerror = () => {
      if (stream === opened) failed();
    };
  }

  // The browser opens a broken stream again by itself; one that was refused is ours to open.
  function failed() {
    failures += 1;
    if (failures < FAILURES_MAX && stream.readyState !== 2) return;
    close();
    const wait = failures < FAILURES_MAX ? 1000 * Math.pow(2, failures) : STREAM_AGAIN_MS;
    streamAt = Date.now() + spread(wait);
  }

  function close() {
    if (stream) stream.close();
    stream = null;
  }

  // The window and the server's time.
  async function askCampaign() {
    const sent = Date.now();
    campaignAskedAt = sent;
    campaignAt = sent + CAMPAIGN_MS;
    try {
      const { answer, body } = await get(facts.address, {});
      if (!answer.ok) return;
      facts.ahead = Date.parse(body.now) - (sent + Date.now()) / 2;
      facts.opens = Date.parse(body.opens_at);
      facts.closes = Date.parse(body.closes_at);
      facts.days = body.days.map((day) => day.day);
      feed.isClosed = Date.parse(body.now) >= facts.closes;
      changed(feed.tally !== null);
    } catch (unreachable) {
      campaignAt = sent + BACKOFF_MAX_MS;
    }
  }

  // Does what is due; to be called every second.
  function tick() {
    const at = Date.now();
    if (!document.hidden) seenAt = at;
    const isOver = feed.tally && feed.tally.final;
    if (isOver || at - seenAt > UNSEEN_MS) {
      close();
      return;
    }
    const wanted = feed.tally && !feed.problem && typeof EventSource === 'function';
    if (wanted && !stream && at >= streamAt) open();
    const isQuiet = !stream || at - feed.freshAt > QUIET_MS;
    if (isQuiet && !asking && at >= askAt) ask();
    const isDoubted = now() >= facts.closes && !feed.isClosed;
    if (at >= campaignAt || (isDoubted && at >= campaignAskedAt + CLOSE_MS)) askCampaign();
  }

  // Somebody looks again.
  function wake() {
    askAt = 0;
    tick();
  }

  // Calls back with whether there is a new count, or only another state.
  const listen = (callback) => { changed = callback; };

  board.feed = Object.assign(feed, { tick, wake, listen });
})(window.board);
