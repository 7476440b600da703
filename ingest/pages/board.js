// The live board: reads the tally as it changes, ranks, and says how old the shown count is.
// A shown document is only ever replaced by one in which no frontier is lower. Nothing here knows a
// voter. board_count.js stands before this in the served file. ES2018.
(() => {
  'use strict';
  const { ranking, isSameCount, supersedes, sampled, rateAt, rates, roundUp } = boardCount;

  /** Older than this is shown as stale. */
  const STALE_MS = 30000;
  /** A stream is silent while nobody votes: after so long the server is asked whether it is so. */
  const QUIET_MS = 15000;
  const POLL_MS = 5000;
  const ASK_MAX_MS = 10000;
  const BACKOFF_MAX_MS = 30000;
  /** Streams that fail so often in a row give way to asking, for a minute. */
  const FAILURES_MAX = 3;
  const STREAM_AGAIN_MS = 60000;
  /** Rows need their time to move. */
  const RENDER_MS = 1000;
  const ANNOUNCE_MS = 60000;
  const RATE_STEP_MS = 10000;
  const CAMPAIGN_MS = 300000;

  const { body } = document;
  const data = body.dataset;
  const address = '/v1/campaigns/' + encodeURIComponent(data.campaign);
  const $ = (id) => document.getElementById(id);
  const chinese = document.documentElement.lang.startsWith('zh');
  const words = chinese ? {
    preliminary: '初步结果', final: '最终结果', rank: ['第', '名'], tie: '并列', vote: '票', share: '得票率',
    day: '日期', sum: '合计', title: '案例', ballots: '投票人次', duplicates: '重复投票', open: '进行中',
    loading: () => '正在读取计票结果……',
    not_ready: () => '结果正在准备,请稍候……',
    offline: () => '连接不上服务器,正在重试……',
    gone: () => '这里没有这项活动。',
    hidden: () => `结果在投票截止后公布:${moment(closes)} 截止,完成最后计票即在本页公布。`,
    not_open: () => `投票于 ${moment(opens)} 开始。`,
    live: () => `实时更新。投票于 ${moment(closes)} 截止。`,
    counting: () => '投票已截止,正在完成最后计票。',
    stale: () => '连接中断,此后的票数尚未显示,正在重新连接……',
    other: () => '服务器上的计票已换成另一份记录,请刷新页面。',
    final_note: () => '计票已完成,结果不再变动。',
    first: (titles, votes) => `第一名:${titles.join('、')},${votes} 票。`,
    told: (at, ballots) => `截至 ${at},投票 ${ballots} 人次。`,
    pace: (now, most) => `近一小时每分钟投票人次:目前 ${now},最高 ${most}`,
  } : {
    preliminary: 'Preliminary', final: 'Final', rank: ['Rank ', ''], tie: 'tied', vote: 'votes',
    share: 'share', day: 'Day', sum: 'Total', title: 'Case', ballots: 'Ballots',
    duplicates: 'Duplicates', open: 'under way',
    loading: () => 'Reading the count…',
    not_ready: () => 'The results are being prepared…',
    offline: () => 'The server cannot be reached; trying again…',
    gone: () => 'There is no such campaign here.',
    hidden: () => `The result is published after the close: voting ends ${moment(closes)}, and ` +
      'this page shows the result as soon as the last ballot is counted.',
    not_open: () => `Voting opens ${moment(opens)}.`,
    live: () => `Updated live. Voting ends ${moment(closes)}.`,
    counting: () => 'Voting has ended; the last ballots are being counted.',
    stale: () => 'Connection lost: later votes are not shown. Reconnecting…',
    other: () => 'The server now counts another journal. Please reload the page.',
    final_note: () => 'Every ballot is counted; the result no longer changes.',
    first: (titles, votes) => `First: ${titles.join(', ')}, with ${votes} votes.`,
    told: (at, ballots) => `At ${at}: ${ballots} ballots.`,
    pace: (now, most) => `Ballots a minute over the last hour: ${now} now, ${most} at most`,
  };

  // What is known.
  let shown = null;
  let etag = null;
  let problem = null;
  let freshAt = 0;
  let opens = Number(data.opensMs);
  let closes = Number(data.closesMs);
  let days = data.days.split(' ');
  /** The server's clock less this device's. */
  let ahead = 0;
  let samples = [];

  // What is shown.
  const number = new Intl.NumberFormat(chinese ? 'zh-CN' : 'en');
  const count = (value) => number.format(value);
  const percent = (part, whole) => (whole ? (100 * part / whole).toFixed(1) : '0.0') + '%';
  let instant;
  try {
    // Swedish dates are ISO 8601's, in hours of a day.
    instant = new Intl.DateTimeFormat('sv-SE', { timeZone: data.zone,
      year: 'numeric', month: '2-digit', day: '2-digit',
      hour: '2-digit', minute: '2-digit', second: '2-digit' });
  } catch (unknownZone) {
    instant = { format: (at) => new Date(at).toISOString().replace('T', ' ').slice(0, 19) + ' UTC' };
  }
  const stamp = (at) => instant.format(at);
  const moment = (at) => stamp(at).replace(/:\d\d( UTC)?$/, '$1');
  const serverNow = () => Date.now() + ahead;

  function text(element, value) {
    if (element.textContent !== value) { element.textContent = value; }
  }

  function make(name, attributes, ...children) {
    const element = document.createElement(name);
    Object.keys(attributes).forEach((key) => element.setAttribute(key, attributes[key]));
    element.append(...children);
    return element;
  }

  const rows = Array.from($('ranking').children).map((item, at) => {
    const row = {
      item, number: at + 1, title: item.querySelector('.title').textContent,
      rank: make('b', {}, '–'), tie: make('span', { class: 'tie' }), votes: make('b', {}, '–'),
      share: make('span', { class: 'share' }), fill: make('i', {}),
    };
    item.prepend(make('span', { class: 'rank' }, make('span', { class: 'unseen' }, words.rank[0]),
      row.rank, make('span', { class: 'unseen' }, words.rank[1]), row.tie));
    item.append(
      make('span', { class: 'votes' }, row.votes, make('span', { class: 'unit' }, words.vote)),
      row.share, make('span', { class: 'bar', 'aria-hidden': 'true' }, row.fill));
    return row;
  });
  $('ranking').style.setProperty('--half', String(Math.ceil(rows.length / 2)));

  const still = window.matchMedia('(prefers-reduced-motion: reduce)');

  /** Puts the rows into an order; they move there from where they are seen now. */
  function order(wanted) {
    const list = $('ranking');
    const same = wanted.every((row, at) => list.children[at] === row.item);
    if (same) { return; }
    const before = wanted.map((row) => row.item.getBoundingClientRect());
    wanted.forEach((row) => list.append(row.item));
    if (still.matches || document.hidden) { return; }
    wanted.forEach((row) => {
      row.item.style.transition = 'none';
      row.item.style.transform = '';
    });
    const moves = wanted.map((row, at) => {
      const after = row.item.getBoundingClientRect();
      return [before[at].left - after.left, before[at].top - after.top];
    });
    wanted.forEach((row, at) => {
      const [x, y] = moves[at];
      row.item.style.transform = x || y ? `translate(${x}px, ${y}px)` : '';
      row.item.classList.toggle('rising', y > 0 || x > 0);
    });
    // Reading makes the engine take these places as the start.
    list.getBoundingClientRect();
    wanted.forEach((row) => {
      row.item.style.transition = '';
      row.item.style.transform = '';
    });
  }

  function showRanking() {
    const places = ranking(shown.votes.slice(0, rows.length));
    const most = places.length ? places[0].votes : 0;
    places.forEach((place) => {
      const row = rows[place.number - 1];
      // Without votes there is no order to speak of.
      text(row.rank, most ? String(place.rank) : '–');
      text(row.tie, most && place.tied ? words.tie : '');
      text(row.votes, count(place.votes));
      text(row.share, `${words.share} ${percent(place.votes, shown.ballots)}`);
      row.fill.style.width = most ? `${100 * place.votes / most}%` : '0';
      row.item.classList.toggle('first', most > 0 && place.rank === 1);
    });
    order(places.map((place) => rows[place.number - 1]));
  }

  let cells = null;

  /** The table of votes per case and day: made anew when a day is added, else its texts change. */
  function showDays() {
    const counted = new Map(shown.days.map((day) => [day.day, day]));
    const all = Array.from(new Set(days.concat(Array.from(counted.keys())))).sort();
    const key = all.join(' ');
    if (!cells || cells.key !== key) { cells = table(all, key); }
    const line = (at, values, sum) => {
      values.concat(sum).forEach((value, day) => text(cells.lines[at][day], value));
    };
    const known = all.map((day) => counted.get(day));
    const of = (day, value) => (day ? count(value(day)) : '–');
    rows.forEach((row, at) => {
      line(at, known.map((day) => of(day, () => day.votes[at])), count(shown.votes[at]));
    });
    line(rows.length, known.map((day) => of(day, () => day.ballots)), count(shown.ballots));
    line(rows.length + 1, known.map((day) => of(day, () => day.duplicates)),
      count(shown.outcomes.duplicate));
    const now = stamp(serverNow()).slice(0, 10);
    all.forEach((day, at) => {
      const open = day === now && known[at] && !known[at].closed;
      text(cells.marks[at], open ? words.open : '');
    });
  }

  function table(all, key) {
    const marks = all.map(() => make('small', {}));
    const column = (...children) => make('th', { scope: 'col' }, ...children);
    const head = make('tr', {}, column(words.title), ...all.map((day, at) => (
      column(make('time', { datetime: day }, day.slice(5)), marks[at]))), column(words.sum));
    const lines = [];
    const line = (...title) => {
      const made = all.concat('sum').map(() => make('td', {}));
      lines.push(made);
      return make('tr', {}, make('th', { scope: 'row' }, ...title), ...made);
    };
    $('days').replaceChild(make('thead', {}, head), $('days').tHead);
    $('days').replaceChild(make('tbody', {}, ...rows.map((row) => (
      line(make('b', {}, String(row.number)), ' ', row.title)))), $('days').tBodies[0]);
    $('days').replaceChild(
      make('tfoot', {}, line(words.ballots), line(words.duplicates)), $('days').tFoot);
    return { key, lines, marks };
  }

  function showPace() {
    const at = freshAt + ahead;
    const all = rates(samples, at, RATE_STEP_MS);
    const most = Math.max(0, ...all.map((rate) => rate || 0));
    const top = roundUp(most);
    let path = '';
    all.forEach((rate, x) => {
      if (rate !== null) {
        path += `${path && all[x - 1] !== null ? 'L' : 'M'}${x} ${(100 - 100 * rate / top).toFixed(1)}`;
      }
    });
    $('pace-line').setAttribute('d', path);
    text($('pace-top'), count(top));
    text($('pace-title'), words.pace(shownRate(), count(Math.round(most))));
  }

  function shownRate() {
    const rate = rateAt(samples, freshAt + ahead);
    return rate === null || state() === 'stale' ? '–' : count(Math.round(rate));
  }

  function showProof() {
    text($('journal'), shown.journal);
    text($('rules'), shown.rules);
    const list = $('partitions').tBodies[0];
    shown.partitions.forEach((partition, at) => {
      if (!list.rows[at]) {
        list.append(make('tr', {}, make('th', { scope: 'row' }), make('td', {}), make('td', {})));
      }
      const values = [String(partition.partition), count(partition.frontier), partition.digest];
      values.forEach((value, column) => text(list.rows[at].cells[column], value));
    });
  }

  function state() {
    if (problem === 'hidden' || problem === 'other') { return problem; }
    if (!shown) { return problem || 'loading'; }
    if (shown.final) { return 'final'; }
    if (Date.now() - freshAt > STALE_MS) { return 'stale'; }
    if (serverNow() < opens) { return 'not_open'; }
    return serverNow() < closes ? 'live' : 'counting';
  }

  function showState() {
    const now = state();
    data.state = now;
    text($('mark'), now === 'final' ? words.final : words.preliminary);
    text($('notice'), (now === 'final' ? words.final_note : words[now])());
    $('asof').hidden = !shown;
    if (shown) {
      text($('asof-time'), stamp(freshAt + ahead));
      text($('rate'), shownRate());
    }
  }

  let renderedAt = 0;
  let changed = false;
  let pacedAt = 0;

  function render() {
    if (changed && Date.now() - renderedAt >= RENDER_MS) {
      changed = false;
      renderedAt = Date.now();
      text($('ballots'), count(shown.ballots));
      text($('votes'), count(shown.votes.reduce((sum, votes) => sum + votes, 0)));
      text($('duplicates'), count(shown.outcomes.duplicate));
      showRanking();
      showDays();
      showProof();
    }
    if (shown && Date.now() - pacedAt >= RATE_STEP_MS) {
      pacedAt = Date.now();
      showPace();
      keepSamples();
    }
    showState();
    announce();
  }

  let announcedAt = Date.now();
  let announced = '';

  /** Tells screen readers where it stands, at most once a minute and only what is new. */
  function announce() {
    if (Date.now() - announcedAt < ANNOUNCE_MS) { return; }
    const now = state();
    let news = $('notice').textContent;
    if (shown && now !== 'hidden') {
      const places = ranking(shown.votes);
      const first = places.filter((place) => place.rank === 1 && place.votes > 0);
      const titles = first.map((place) => rows[place.number - 1].title);
      news = `${$('mark').textContent} ${now === 'live' ? '' : news} ` +
        (first.length ? words.first(titles, count(first[0].votes)) : '');
      if (news + shown.ballots === announced) { return; }
      announced = news + shown.ballots;
      news = `${words.told(stamp(freshAt + ahead).slice(11, 16), count(shown.ballots))} ${news}`;
    } else if (news === announced) {
      return;
    } else {
      announced = news;
    }
    announcedAt = Date.now();
    text($('announce'), news);
  }

  const SAMPLES_KEY = `weir-board:${data.campaign}`;

  // Without storage the line begins with the page.
  function keepSamples() {
    try {
      const kept = JSON.stringify({ journal: shown.journal, samples });
      sessionStorage.setItem(SAMPLES_KEY, kept);
    } catch (noStorage) { /* As above. */ }
  }

  function keptSamples(journal) {
    try {
      const kept = JSON.parse(sessionStorage.getItem(SAMPLES_KEY));
      return kept && kept.journal === journal ? kept.samples : [];
    } catch (noStorage) {
      return [];
    }
  }

  /** Takes a document, if it may be shown; answers whether it says something new. */
  function receive(next, tag) {
    if (shown && !isSameCount(next, shown)) {
      problem = 'other';
      return false;
    }
    // One from a server that is behind says nothing of now either.
    if (!supersedes(next, shown)) { return false; }
    const isNews = tag !== etag;
    if (!shown) { samples = keptSamples(next.journal); }
    changed = changed || isNews;
    shown = next;
    etag = tag;
    fresh();
    return isNews;
  }

  function fresh() {
    problem = null;
    freshAt = Date.now();
    samples = sampled(samples, freshAt + ahead, shown.ballots);
  }

  let askAt = 0;
  let asking = false;
  let refused = 0;

  function get(path, headers) {
    const patience = typeof AbortController === 'function' ? new AbortController() : null;
    const timer = setTimeout(() => patience && patience.abort(), ASK_MAX_MS);
    const options = { headers, cache: 'no-store', credentials: 'omit' };
    if (patience) { options.signal = patience.signal; }
    const read = (answer) => (answer.status === 304 ? { answer } :
      answer.json().then((document) => ({ answer, document })));
    const done = (value) => { clearTimeout(timer); return value; };
    return fetch(path, options).then(read).then(done, (error) => { done(); throw error; });
  }

  /** Asks for the tally; what the stream should have brought counts against the stream. */
  function ask() {
    asking = true;
    const streaming = stream && stream.readyState === 1;
    get(`${address}/tally`, etag ? { 'If-None-Match': etag } : {}).then(({ answer, document }) => {
      refused = 0;
      if (answer.status === 304) {
        fresh();
      } else if (answer.ok) {
        const isNews = receive(document, answer.headers.get('ETag'));
        if (isNews && streaming) { failed(); }
      } else {
        const code = document.code;
        const known = { results_hidden: 'hidden', unknown_campaign: 'gone' };
        problem = known[code] || (answer.status === 503 ? 'not_ready' : 'offline');
        refused += 1;
      }
    }).catch(() => {
      refused += 1;
      if (problem !== 'hidden') { problem = 'offline'; }
    }).then(() => {
      asking = false;
      askAt = Date.now() + pause() * (1 + Math.random() / 4);
      render();
    });
  }

  function pause() {
    if (problem === 'hidden') {
      // Nobody need ask before the end; then all who look are waiting.
      return Math.min(60000, Math.max(POLL_MS, closes - serverNow()));
    }
    return Math.min(BACKOFF_MAX_MS, POLL_MS * Math.pow(2, Math.max(0, refused - 1)));
  }

  let stream = null;
  let streamAt = 0;
  let failures = 0;

  function openStream() {
    const opened = new EventSource(`${address}/tally/stream`);
    stream = opened;
    opened.addEventListener('tally', (event) => {
      if (stream !== opened) { return; }
      failures = 0;
      receive(JSON.parse(event.data), event.lastEventId);
      render();
    });
    opened.onerror = () => {
      if (stream === opened) { failed(); }
    };
  }

  /** The browser itself opens a broken stream again; one that was refused is ours to open. */
  function failed() {
    failures += 1;
    const ended = stream.readyState === 2;
    if (ended || failures >= FAILURES_MAX) {
      closeStream();
      const wait = failures >= FAILURES_MAX ? STREAM_AGAIN_MS : 1000 * Math.pow(2, failures);
      streamAt = Date.now() + wait * (1 + Math.random() / 4);
    }
  }

  function closeStream() {
    if (stream) { stream.close(); }
    stream = null;
  }

  let seenAt = Date.now();
  let campaignAt = 0;

  function tick() {
    const now = Date.now();
    if (!document.hidden) { seenAt = now; }
    // A page that nobody sees for a minute holds no stream.
    if (now - seenAt > ANNOUNCE_MS || (shown && shown.final)) {
      closeStream();
    } else {
      const wantsStream = shown && !problem && typeof EventSource === 'function';
      if (wantsStream && !stream && now >= streamAt) { openStream(); }
      const quiet = !stream || now - freshAt > QUIET_MS;
      if (quiet && !asking && now >= askAt) { ask(); }
      if (now >= campaignAt) { askCampaign(now); }
    }
    render();
  }

  /** The window and the server's time; an organiser may extend a campaign that runs. */
  function askCampaign(now) {
    campaignAt = now + CAMPAIGN_MS;
    const sent = Date.now();
    get(address, {}).then(({ answer, document }) => {
      if (!answer.ok) { return; }
      ahead = Date.parse(document.now) - (sent + Date.now()) / 2;
      opens = Date.parse(document.opens_at);
      closes = Date.parse(document.closes_at);
      days = document.days.map((day) => day.day);
      changed = shown !== null;
    }).catch(() => { campaignAt = Date.now() + BACKOFF_MAX_MS; });
  }

  function setWall(wall) {
    body.classList.toggle('wall', wall);
    $('wall').setAttribute('aria-pressed', String(wall));
  }

  $('wall').addEventListener('click', () => {
    const wall = !body.classList.contains('wall');
    setWall(wall);
    const root = document.documentElement;
    if (wall && root.requestFullscreen) { root.requestFullscreen().catch(() => {}); }
    if (!wall && document.fullscreenElement) { document.exitFullscreen(); }
  });
  document.addEventListener('fullscreenchange', () => {
    if (!document.fullscreenElement) { setWall(false); }
  });
  $('print').addEventListener('click', () => window.print());
  document.querySelectorAll('[aria-controls]').forEach((button) => {
    button.addEventListener('click', () => {
      const open = button.getAttribute('aria-expanded') !== 'true';
      button.setAttribute('aria-expanded', String(open));
      $(button.getAttribute('aria-controls')).classList.toggle('open', open);
    });
  });
  document.addEventListener('visibilitychange', () => { askAt = 0; tick(); });

  setWall(window.location.hash === '#big');
  body.classList.add('live');
  setInterval(tick, 1000);
  tick();
})();
