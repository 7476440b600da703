// The board's course: when it shows what, how old that is, and what it says aloud.
//
// Numbers change once a second at most, so that rows come to rest between two moves; screen readers
// hear of it once a minute.
(function (board) {
  'use strict';

  const { feed, ranking, tables, pace } = board;
  const { $, facts, say, count, stamp, moment, now, text } = board.tools;
  const STALE_MS = 30000;
  const RENDER_MS = 1000;
  const ANNOUNCE_MS = 60000;
  const { body } = document;
  const closes = document.querySelector('.byline time:last-of-type');
  const closed = facts.closes;
  let isNew = false;
  let renderedAt = 0;
  let announcedAt = Date.now();
  let announced = '';

  function state() {
    const { tally, problem } = feed;
    if (problem === 'hidden' || problem === 'other') return problem;
    if (!tally) return problem || 'loading';
    if (tally.final) return 'final';
    if (Date.now() - feed.freshAt > STALE_MS) return 'stale';
    if (now() < facts.opens) return 'not_open';
    return now() < facts.closes || !feed.isClosed ? 'live' : 'counting';
  }

  function showState() {
    const { tally } = feed;
    const is = state();
    body.dataset.state = is;
    text($('mark'), say(is === 'final' ? 'mark_final' : 'mark_preliminary'));
    const window = { opens: moment(facts.opens), closes: moment(facts.closes) };
    text($('notice'), say(`is_${is}`, window));
    // What the server wrote there stands as long as it holds.
    if (facts.closes !== closed) {
      text(closes, window.closes);
      closes.dateTime = new Date(facts.closes).toISOString();
    }
    text($('ranking-title'), say(is === 'hidden' ? 'choices' : 'ranking'));
    $('asof').hidden = !tally;
    if (!tally) return;
    text($('asof-time'), stamp(feed.freshAt + facts.ahead));
    text($('rate'), is === 'stale' ? '–' : pace.rate());
  }

  function showCount() {
    const { tally } = feed;
    isNew = false;
    renderedAt = Date.now();
    text($('ballots'), count(tally.ballots));
    text($('votes'), count(tally.votes.reduce((sum, votes) => sum + votes, 0)));
    text($('duplicates'), count(tally.outcomes.duplicate));
    ranking.show(tally);
    tables.show(tally);
  }

  function announce() {
    if (Date.now() - announcedAt < ANNOUNCE_MS) return;
    const { tally } = feed;
    const is = state();
    const notice = is === 'live' ? '' : $('notice').textContent;
    const isShown = tally && is !== 'hidden';
    const news = isShown ? `${notice} ${ranking.leaders(tally)}${tally.ballots}` : notice;
    if (news === announced) return;
    announced = news;
    announcedAt = Date.now();
    const time = stamp(feed.freshAt + facts.ahead).slice(11, 16);
    text($('announce'), !isShown ? notice :
      [say('told', { time, ballots: count(tally.ballots) }), ranking.leaders(tally), notice].join(' '));
  }

  function render() {
    if (isNew && Date.now() - renderedAt >= RENDER_MS) showCount();
    if (feed.tally) pace.draw();
    showState();
    announce();
  }

  function setBig(isBig) {
    body.classList.toggle('big', isBig);
    $('big-screen').setAttribute('aria-pressed', String(isBig));
  }

  function toggleBig() {
    const isBig = !body.classList.contains('big');
    const root = document.documentElement;
    setBig(isBig);
    // Where the whole screen is refused, the window is used.
    if (isBig && root.requestFullscreen) root.requestFullscreen().catch(() => {});
    if (!isBig && document.fullscreenElement) document.exitFullscreen();
  }

  function unfold({ currentTarget: button }) {
    const isOpen = button.getAttribute('aria-expanded') !== 'true';
    button.setAttribute('aria-expanded', String(isOpen));
    $(button.getAttribute('aria-controls')).classList.toggle('open', isOpen);
  }

  function tick() {
    feed.tick();
    render();
  }

  $('big-screen').addEventListener('click', toggleBig);
  $('print').addEventListener('click', () => window.print());
  for (const button of document.querySelectorAll('.fold')) {
    button.addEventListener('click', unfold);
  }
  document.addEventListener('fullscreenchange', () => {
    if (!document.fullscreenElement) setBig(false);
  });
  document.addEventListener('visibilitychange', feed.wake);
  feed.listen((isCount) => {
    isNew = isNew || isCount;
    render();
  });
  setBig(window.location.hash === '#big');
  body.classList.add('live');
  setInterval(tick, 1000);
  tick();
})(window.board);
