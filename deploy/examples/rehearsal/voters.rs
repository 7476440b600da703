//! The alerts of the voters' side, each fired by its cause, made for real over HTTP at a `weir up`
//! of its own, and cleared; all at once, scraped every 5 s as in production.
//!
//! WeChat is imitated inside each Weir; strace leads its calls to whoever stands in between, so
//! that they can go wrong. Needs strace, and 25 minutes. More arguments name some of the causes.

mod between;
mod people;
mod scene;

use std::sync::OnceLock;
use std::thread;
use std::time::Duration;

use crate::Error;
use crate::files::folder;
use crate::watch::{Watch, now_s};
use between::{Way, exchanges};
use scene::{Cause, Scene, meanwhile};

/// Sign-ins that went well before WeChat is cut off: a share of half an hour fires by them.
const HISTORY: Duration = Duration::from_mins(10);
const SECOND: Duration = Duration::from_secs(1);
const HALF: Duration = Duration::from_millis(500);
const FLOOD: usize = 3_000;
const AT_ONCE: usize = 8;
/// The minute's quota of the imitation, as of many accounts of WeChat.
const QUOTA: usize = 50_000;
/// An address of the one network.
const EXIT: &str = "203.0.113.7";
/// What went well before, in which a share has something to be a share of.
const BEFORE: Duration = Duration::from_mins(1);
const IMITATION: &str = "--identity wechat-imitation";

/// What is rehearsed: its name, which is its campaign's too, what its command has besides, how many
/// voters have tokens, and what is done.
type Part = (&'static str, &'static str, usize, fn(&Scene, &Watch) -> Result<(), Error>);

const PARTS: [Part; 10] = [
    ("network", "--prefix-rate-max 5", 20_000, network),
    ("crowd", IMITATION, 0, crowd),
    ("forged", IMITATION, 0, forged),
    ("secret", IMITATION, 0, secret),
    ("minute", IMITATION, 0, minute),
    ("day", IMITATION, 0, day),
    ("cut", IMITATION, 0, cut),
    ("prefix", "", 9_000, prefix),
    ("cadence", "", 9_000, cadence),
    ("burst", "", 9_000, burst),
];

/// Runs the part.
pub(crate) fn run() -> Result<(), Error> {
    let only: Vec<String> = std::env::args().skip(2).collect();
    let folder = folder(&format!("voters{}", only.concat()))?;
    let is_wanted = |name: &str| only.is_empty() || only.iter().any(|only| only == name);
    let wanted: Vec<_> = PARTS.into_iter().filter(|(name, ..)| is_wanted(name)).collect();
    let scenes = wanted.iter().map(|(name, more, ..)| Scene::new(&folder, name, more));
    let mut scenes = scenes.collect::<Result<Vec<_>, _>>()?;
    for (scene, (.., voters, _)) in scenes.iter_mut().zip(&wanted) {
        scene.start(*voters)?;
    }
    let targets: Vec<_> = scenes.iter().map(|it| (it.weir.job, it.weir.ops.as_str())).collect();
    let watch = Watch::start(&targets, 5, &folder);
    // The first scrapes, which a counter's growth begins at.
    thread::park_timeout(Duration::from_secs(20));
    println!("| cause | alert | fires after | clears after |");
    println!("|---|---|---|---|");
    thread::scope(|scope| {
        let watch = &watch;
        let begin = |(scene, (name, .., part)): (_, &Part)| {
            let (name, part) = (*name, *part);
            (name, scope.spawn(move || part(scene, watch)))
        };
        let all: Vec<_> = scenes.iter().zip(&wanted).map(begin).collect();
        let ended = all.into_iter().map(|(name, thread)| match thread.join() {
            Ok(done) => done.map_err(|error| format!("{name}: {error}").into()),
            Err(_) => Err(format!("{name} has panicked").into()),
        });
        ended.collect::<Vec<Result<(), Error>>>().into_iter().collect::<Result<(), Error>>()
    })?;
    scenes.iter_mut().try_for_each(|scene| scene.weir.stop())
}

/// More ballots come from one network than the operator allows.
fn network(scene: &Scene, watch: &Watch) -> Result<(), Error> {
    let cause = Cause {
        told: "25 ballots/s from one network, with `--prefix-rate-max 5`",
        alerts: &["WeirNetworkRefused"],
        every: Duration::from_millis(40),
        step: &|| scene.people.votes(EXIT).map(drop),
    };
    scene.rehearses(watch, &cause, now_s);
    Ok(())
}

/// More voters sign in from one network than may, while others do as always.
fn crowd(scene: &Scene, watch: &Watch) -> Result<(), Error> {
    let cause = Cause {
        told: "25 sign-ins/s from one network, beside 5 from others",
        alerts: &["WeirNetworkRefused", "WeirSignInsFailing"],
        every: Duration::from_millis(40),
        step: &|| scene.people.signs_in(EXIT).map(drop),
    };
    let others = || scene.people.signs_in(&scene.people.home()).map(drop);
    meanwhile(Duration::from_millis(200), others, || scene.rehearses(watch, &cause, now_s));
    Ok(())
}

/// Somebody sends events who does not know the token.
fn forged(scene: &Scene, watch: &Watch) -> Result<(), Error> {
    let cause = Cause {
        told: "an event with a wrong signature every 2 s",
        alerts: &["WeirEventsForged"],
        every: 2 * SECOND,
        step: &|| scene.people.forges().map(drop),
    };
    scene.rehearses(watch, &cause, now_s);
    Ok(())
}

/// The account has got another secret.
fn secret(scene: &Scene, watch: &Watch) -> Result<(), Error> {
    let alerts = ["WeirWeChatMisconfigured", "WeirSignInsFailing"];
    let told = "the account's secret is another (40125), a sign-in a second";
    wechat_fails(scene, watch, (told, &alerts), Way::OtherSecret)
}

/// The day's quota is used up, until WeChat's platform gives it back; an edge asks ten minutes
/// later.
fn day(scene: &Scene, watch: &Watch) -> Result<(), Error> {
    let told = "the day's quota is used up (45009), a sign-in a second";
    wechat_fails(scene, watch, (told, &["WeirWeChatQuota"]), Way::Refused(45_009))
}

/// WeChat cannot be reached, after ten minutes of a sign-in a second.
fn cut(scene: &Scene, watch: &Watch) -> Result<(), Error> {
    let alerts = ["WeirSignInsFailing"];
    let before = || scene.people.signs_in(&scene.people.home()).map(drop);
    meanwhile(SECOND, before, || thread::park_timeout(HISTORY));
    let told = "WeChat cannot be reached, after ten minutes of a sign-in a second";
    wechat_fails(scene, watch, (told, &alerts), Way::Cut)
}

/// Voters sign in all the time, and what WeChat is asked goes wrong until alerts fire.
fn wechat_fails(
    scene: &Scene,
    watch: &Watch,
    (told, alerts): (&str, &[&str]),
    way: Way,
) -> Result<(), Error> {
    let between = scene.between.as_ref().ok_or("nobody stands between")?;
    let voters = || scene.people.signs_in(&scene.people.home()).map(drop);
    let cause = Cause { told, alerts, every: SECOND, step: &|| Ok(()) };
    meanwhile(SECOND, voters, || {
        thread::park_timeout(BEFORE);
        between.set(way);
        scene.rehearses(watch, &cause, || {
            between.set(Way::Open);
            now_s()
        });
    });
    Ok(())
}

/// Another system of the same account uses up the quota of every minute.
fn minute(scene: &Scene, watch: &Watch) -> Result<(), Error> {
    let cause = Cause {
        told: "another system uses up each minute's exchanges, a sign-in a second",
        alerts: &["WeirWeChatQuota", "WeirSignInsFailing"],
        every: SECOND,
        step: &|| exchanges(&scene.imitation, QUOTA / 20),
    };
    let voters = || scene.people.signs_in(&scene.people.home()).map(drop);
    meanwhile(SECOND, voters, || {
        thread::park_timeout(BEFORE);
        scene.rehearses(watch, &cause, now_s);
    });
    Ok(())
}

/// Very many vote behind one exit.
fn prefix(scene: &Scene, watch: &Watch) -> Result<(), Error> {
    let ended = OnceLock::new();
    let part = || (0..FLOOD / AT_ONCE).try_for_each(|_| scene.people.votes(EXIT).map(drop));
    let flood = || {
        if ended.get().is_none() {
            thread::scope(|scope| {
                let parts: Vec<_> = (0..AT_ONCE).map(|_| scope.spawn(part)).collect();
                parts.into_iter().filter_map(|it| it.join().ok()).collect::<Result<(), _>>()
            })?;
            ended.get_or_init(now_s);
        }
        Ok(())
    };
    let cause = Cause {
        told: "3,000 ballots at once from one network, beside 2 a second from others",
        alerts: &["WeirBallotsUnusual"],
        every: SECOND,
        step: &flood,
    };
    let end = || ended.get().copied().unwrap_or_else(now_s);
    meanwhile(HALF, || home(scene), || scene.rehearses(watch, &cause, end));
    Ok(())
}

/// A machine votes, at equal intervals.
fn cadence(scene: &Scene, watch: &Watch) -> Result<(), Error> {
    let cause = Cause {
        told: "a ballot every 500 ms from one network, beside 2 a second from others",
        alerts: &["WeirBallotsUnusual"],
        every: HALF,
        step: &|| scene.people.votes(EXIT).map(drop),
    };
    meanwhile(HALF, || home(scene), || scene.rehearses(watch, &cause, now_s));
    Ok(())
}

/// A program tries wrong ballots before each right one.
fn burst(scene: &Scene, watch: &Watch) -> Result<(), Error> {
    let tries = || {
        let who = scene.people.number();
        let from = scene.people.home();
        (0..9).try_for_each(|_| scene.people.casts(who, &from, "{\"choices\":[99]}").map(drop))?;
        scene.people.casts(who, &from, "{\"choices\":[17]}").map(drop)
    };
    let cause = Cause {
        told: "voters who try 9 wrong ballots first, 2 a second, beside 2 others",
        alerts: &["WeirBallotsUnusual"],
        every: HALF,
        step: &tries,
    };
    meanwhile(HALF, || home(scene), || scene.rehearses(watch, &cause, now_s));
    Ok(())
}

/// Somebody votes from a network that nobody else is in.
fn home(scene: &Scene) -> Result<(), Error> {
    scene.people.votes(&scene.people.home()).map(drop)
}
