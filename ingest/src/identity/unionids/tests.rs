//! Subscribers who come and go while WeChat is asked about them.

use std::collections::VecDeque;

use tempfile::TempDir;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::*;
use crate::identity::{Events, Links};

const NOW_MS: i64 = 1_702_872_000_000;

#[derive(Debug)]
struct Still;

impl Clock for Still {
    fn now_ms(&self) -> i64 {
        NOW_MS
    }
}

/// Answers as it is told, once it may.
struct Told {
    answers: Mutex<VecDeque<Result<Follower, Error>>>,
    may: Semaphore,
    asked: Semaphore,
}

impl Knows for Told {
    async fn follower(&self, _openid: &str) -> Result<Follower, Error> {
        self.asked.add_permits(1);
        self.may.acquire().await.unwrap().forget();
        self.answers.lock().unwrap().pop_front().unwrap()
    }
}

type Answers = Vec<Result<Follower, Error>>;

fn follower(follows: bool) -> Result<Follower, Error> {
    let unionid = follows.then(|| "u1".to_owned());
    Ok(Follower { follows, since_s: Some(7), unionid })
}

/// A subscriber `o1`, who is voter `u1`, over a table on the disk.
struct World {
    learning: Arc<Learning<Told>>,
    _folder: TempDir,
}

impl World {
    fn start(answers: Answers, may: usize) -> Self {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("follows.redb");
        let follows = Follows::open(&path, Duration::from_secs(86_400), NOW_MS).unwrap();
        let sign_in = WeChatSignIn {
            service: None,
            subscription: None,
            event_token: "token".to_owned(),
            account: "极目新闻".to_owned(),
            verify: None,
            keyword: None,
            follows,
            links: Links::default(),
            events: Events::default(),
        };
        let queued = sign_in.events.unionids.take().unwrap();
        let wechat = Told {
            answers: Mutex::new(answers.into()),
            may: Semaphore::new(may),
            asked: Semaphore::new(0),
        };
        let learning = Arc::new(Learning {
            wechat,
            sign_in: Arc::new(sign_in),
            pseudonyms: PseudonymKey::new(&[7; 32]),
            clock: Arc::new(Still),
            campaign: "c".to_owned(),
            alarm: Alarm::default(),
        });
        let running = Arc::clone(&learning);
        // Ends with the test's runtime.
        drop(tokio::spawn(async move { running.run(queued).await }));
        Self { learning, _folder: folder }
    }

    fn unionids(&self) -> &Unionids {
        &self.learning.sign_in.events.unionids
    }

    async fn gone(&self) {
        self.unionids().gone("o1");
        let subscriber = self.learning.pseudonyms.voter(b"o1");
        self.learning.follows().unsubscribed(subscriber).await.unwrap();
    }

    /// Waits until WeChat has been asked as often more.
    async fn asked(&self, times: u32) {
        self.learning.wechat.asked.acquire_many(times).await.unwrap().forget();
    }

    /// Whether the voter follows, once nothing is on its way.
    async fn follows(&self) -> bool {
        while !self.unionids().waiting().is_empty() {
            sleep(Duration::from_millis(1)).await;
        }
        let voter = self.learning.pseudonyms.voter(b"u1");
        let known = self.learning.follows().known(voter, NOW_MS).await.unwrap();
        known.is_some_and(|known| known.follows && known.since_s == Some(7))
    }
}

#[tokio::test(start_paused = true)]
async fn a_subscriber_is_asked_about_until_wechat_answers() {
    let troubles =
        [Error::Busy, Error::Quota, Error::Unreachable, Error::Configuration { errcode: 40_164 }];
    let answers = troubles.into_iter().map(Err).chain([follower(true)]).collect();
    let world = World::start(answers, 9);
    let began = Instant::now();
    assert!(world.unionids().ask("o1"));
    assert!(world.follows().await);
    let took = began.elapsed();
    assert!((15..17).contains(&took.as_secs()), "1, 2, 4 and 8 s: {took:?}");
}

#[tokio::test(start_paused = true)]
async fn who_goes_while_wechat_is_asked_stays_gone() {
    let world = World::start(vec![follower(true)], 0);
    assert!(world.unionids().ask("o1"));
    world.asked(1).await;
    world.gone().await;
    world.learning.wechat.may.add_permits(1);
    assert!(!world.follows().await);
}

#[tokio::test(start_paused = true)]
async fn who_comes_back_while_wechat_is_asked_is_asked_about_again() {
    let world = World::start(vec![follower(false), follower(true)], 0);
    assert!(world.unionids().ask("o1"));
    world.asked(1).await;
    world.gone().await;
    assert!(world.unionids().ask("o1"));
    world.learning.wechat.may.add_permits(2);
    assert!(world.follows().await);
}

#[tokio::test(start_paused = true)]
async fn who_has_no_unionid_or_does_not_follow_or_is_unknown_is_no_voter_and_is_not_waited_for() {
    let nobody = Ok(Follower { follows: true, since_s: None, unionid: None });
    for answer in [nobody, follower(false), Err(Error::ForeignOpenid), Err(Error::Nonsense)] {
        let world = World::start(vec![answer.clone()], 1);
        assert!(world.unionids().ask("o1"));
        assert!(!world.follows().await, "{answer:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn as_many_wait_as_there_is_room_for_and_eight_are_asked_about_at_once() {
    let world = World::start(Vec::new(), 0);
    for number in 0..WAITING_MAX {
        assert!(world.unionids().ask(&format!("o{number}")));
    }
    assert!(!world.unionids().ask("another"));
    assert!(world.unionids().ask("o1"), "it waits already");
    world.asked(8).await;
    sleep(Duration::from_secs(1)).await;
    assert_eq!(world.learning.wechat.asked.available_permits(), 0);
    let shown = format!("{:?}", world.learning.sign_in);
    assert!(!shown.contains("o1"), "{shown}");
}
