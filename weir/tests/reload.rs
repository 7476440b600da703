//! `kill -HUP`: token keys rotate and texts change while voters vote; nothing that counts changes,
//! and what is refused leaves everything as it was.
//!
//! Every wait is for a state and has a deadline.
#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests are not covered by allow-unwrap-in-tests"
)]
#![expect(clippy::panic, reason = "as above")]

mod kit;

use std::fs::{self, OpenOptions};
use std::os::unix::fs::OpenOptionsExt as _;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use kit::{Request, Scratch, Up, campaign, eventually, weir};

/// Voters who vote again and again: each may 30 times in a row, and once a second then.
const CROWD: u64 = 10;

/// A campaign, its keys, and the process that serves it.
struct Site<'a> {
    scratch: &'a Scratch,
    up: Up<'a>,
    file: String,
    keys: String,
    pseudonym_key: String,
}

impl<'a> Site<'a> {
    fn start(scratch: &'a Scratch) -> Self {
        let file = scratch.file("c.toml", campaign(-1, 2));
        let up = Up::start(scratch, &["--campaign", &file, "--partitions", "2"]);
        let keys = scratch.path("data/test.keys.toml");
        let text = fs::read_to_string(&keys).unwrap();
        let pseudonym_key = text.split('"').nth(1).unwrap().to_owned();
        Self { scratch, up, file, keys, pseudonym_key }
    }

    /// Has these token keys in the file, the signing one first.
    fn write_keys(&self, token_keys: &[u8]) {
        self.write_keys_of(&self.pseudonym_key, token_keys);
    }

    fn write_keys_of(&self, pseudonym_key: &str, token_keys: &[u8]) {
        let mut text = format!("pseudonym_key = \"{pseudonym_key}\"\n");
        for id in token_keys {
            let secret = format!("{id:02x}").repeat(32);
            text += &format!("[[token_keys]]\nid = {id}\nsecret = \"{secret}\"\n");
        }
        fs::write(&self.keys, text).unwrap();
    }

    fn write_campaign(&self, text: &str) {
        fs::write(&self.file, text).unwrap();
    }

    /// The lines with this in them that the log has.
    fn lines(&self, with: &str) -> Vec<String> {
        let log = self.up.stderr();
        log.lines().filter(|line| line.contains(with)).map(str::to_owned).collect()
    }

    /// Sends the signal, and answers the line that says what came of it.
    fn hang_up(&self, expected: &str) -> String {
        let before = self.lines(expected).len();
        self.up.signal("HUP");
        eventually("what came of the reload", || self.lines(expected).get(before).cloned())
    }

    fn reload(&self) -> String {
        self.hang_up(" INFO weir::process::reload: read again ")
    }

    fn refused(&self) -> String {
        self.hang_up("ERROR weir::process::reload: not reloaded, it stays as it was ")
    }

    fn token(&self, id: &str) -> String {
        let data = self.scratch.path("data");
        let ran = weir(&["token", "--data", &data, "--campaign", &self.file, id]);
        assert_eq!(ran.code, Some(0), "{ran:?}");
        ran.stdout.trim().to_owned()
    }

    fn cast(&self, token: &str) -> u16 {
        self.up.cast(token, &[1, 2]).status
    }

    fn title(&self) -> String {
        Request::get(&self.up.url()).send().json()["title"].as_str().unwrap().to_owned()
    }
}

#[test]
fn token_keys_rotate_under_load_and_no_voter_notices() {
    let scratch = Scratch::new();
    let site = Site::start(&scratch);
    site.write_keys(&[1]);
    assert!(site.reload().contains("changed=\"another secret of token key 1\""));
    let old = site.token("ann");
    assert_eq!(site.cast(&old), 202);
    let crowd: Vec<_> = (0..CROWD).map(|one| site.token(&format!("voter-{one}"))).collect();
    site.write_keys(&[2, 1]);
    let new = site.token("bob");
    assert_eq!(site.cast(&new), 401, "it is not read by itself");

    let (done, cast) = (AtomicBool::new(false), AtomicU32::new(0));
    let url = format!("{}/ballots", site.up.url());
    let again = crowd.iter().map(|token| Request::ballot(&url, token, &[1, 2]));
    let again: Vec<_> = again.collect();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            // Also a ballot once more is acknowledged, as long as its token is good; who comes too
            // often is told so, and nothing else.
            for again in again.iter().cycle().take_while(|_| !done.load(Ordering::Relaxed)) {
                match again.send().status {
                    202 => {
                        cast.fetch_add(1, Ordering::Relaxed);
                    }
                    other => assert_eq!(other, 429),
                }
            }
        });
        let voting = |more: u32| {
            let before = cast.load(Ordering::Relaxed);
            let has_voted = || (cast.load(Ordering::Relaxed) >= before + more).then_some(());
            eventually("ballots to be cast", has_voted);
        };
        voting(20);
        assert!(site.reload().contains("changed=\"token keys 1 to 2, 1\""));
        assert_eq!(site.cast(&new), 202);
        voting(20);
        assert!(site.reload().contains("changed=\"nothing\""));
        voting(20);
        done.store(true, Ordering::Relaxed);
    });

    site.write_keys(&[2]);
    site.reload();
    assert_eq!((site.cast(&old), site.cast(&new)), (401, 202));
    // The same voter by a new token: the ballot is the one that was cast.
    assert_eq!(site.cast(&site.token("ann")), 202);
    site.up.tally(2 + CROWD, 0);
    site.up.stop();
}

#[test]
fn texts_change_at_once_and_nothing_that_counts_does() {
    let scratch = Scratch::new();
    let site = Site::start(&scratch);
    let token = site.token("ann");
    let text = campaign(-1, 2);
    let better = text.replace("\"A test\"", "\"Better\"").replace("\"Choice 3\"", "\"Third\"");
    site.write_campaign(&better);
    assert!(site.reload().contains("campaign=\"test\" changed=\"title, choices[3]\""));
    let shown = Request::get(&site.up.url()).send().json();
    assert_eq!(
        (&shown["title"], &shown["choices"][2]["title"]),
        (&"Better".into(), &"Third".into())
    );

    // Each with another title too, which must not come through.
    let changed = text.replace("\"A test\"", "\"Refused\"");
    for (from, to, expected) in [
        ("max = 3\n", "max = 4\n", "choices_per_ballot_max differs: configured is 4"),
        ("\"test\"", "\"other\"", "id differs: the file has other"),
        ("max = 3\n", "max = 3\nfollowers_only = true\n", "followers_only differs"),
        ("10000\n", "20000\n", "voters_per_day_max differs"),
        ("max = 3\n", "max = 30\n", "c.toml: line 6: choices_per_ballot_max: "),
        ("zone = ", "zone ", "c.toml: line 3: TOML: "),
    ] {
        let edited = changed.replacen(from, to, 1);
        assert_ne!(edited, changed, "{from}");
        site.write_campaign(&edited);
        let line = site.refused();
        assert!(line.contains(expected), "{expected} is not in {line}");
        assert_eq!((site.title(), site.cast(&token)), ("Better".to_owned(), 202));
    }
    site.write_campaign(&text);
    site.reload();
    assert_eq!(site.title(), "A test");
    site.up.stop();
}

#[test]
fn keys_that_are_not_the_campaigns_are_refused_with_all_that_came_with_them() {
    let scratch = Scratch::new();
    let site = Site::start(&scratch);
    let token = site.token("ann");
    let kept = fs::read_to_string(&site.keys).unwrap();
    site.write_campaign(&campaign(-1, 2).replace("\"A test\"", "\"Refused\""));
    site.write_keys_of(&"ab".repeat(32), &[2]);
    assert!(site.refused().contains("pseudonym key differs"));
    site.write_keys_of("ab", &[2]);
    assert!(site.refused().contains("test.keys.toml: pseudonym_key: give 64 hex"));
    fs::remove_file(&site.keys).unwrap();
    assert!(site.refused().contains("test.keys.toml is gone"));
    assert!(!fs::exists(&site.keys).unwrap(), "keys are never made anew");
    assert_eq!((site.title(), site.cast(&token)), ("A test".to_owned(), 202));
    fs::write(&site.keys, kept).unwrap();
    assert!(site.reload().contains("changed=\"title\""));
    assert_eq!((site.title(), site.cast(&token)), ("Refused".to_owned(), 202));
    site.up.stop();
}

#[test]
fn a_file_that_never_ends_makes_the_process_deaf_to_nothing() {
    let scratch = Scratch::new();
    let site = Site::start(&scratch);
    let token = site.token("ann");
    fs::remove_file(&site.keys).unwrap();
    assert!(Command::new("mkfifo").arg(&site.keys).status().unwrap().success());
    site.up.signal("HUP");
    // It can be opened like this only while somebody reads it. Nothing is ever written, and as long
    // as it is open there is no end either.
    let without_waiting = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
    let _held = eventually("the keys to be read", || {
        OpenOptions::new().write(true).custom_flags(without_waiting).open(&site.keys).ok()
    });
    assert_eq!(site.cast(&token), 202);
    site.up.stop();
}
