//! What tests of commands need: a directory, a campaign file, a command run to its end, a `weir up`
//! that is killed when the test ends, and an HTTP client.

#![allow(dead_code, reason = "each test crate uses a part of it")]

mod http;
mod process;
mod server;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use journal::{Clock as _, SystemClock};

#[allow(unused_imports, reason = "as above")]
pub(crate) use http::{Answer, Request};
#[allow(unused_imports, reason = "as above")]
pub(crate) use process::{Ran, Up, tally, weir, weir_with_input};
#[allow(unused_imports, reason = "as above")]
pub(crate) use server::Server;

/// When a test gives up waiting.
const PATIENCE_MS: i64 = 60_000;

/// How often a state that cannot be waited for is looked at.
const POLL: Duration = Duration::from_millis(20);

pub(crate) const DAY_MS: i64 = 86_400_000;

pub(crate) fn now_ms() -> i64 {
    SystemClock.now_ms()
}

/// The state, as soon as it is there, or a failed test.
pub(crate) fn eventually<T>(what: &str, mut state: impl FnMut() -> Option<T>) -> T {
    let give_up_ms = now_ms() + PATIENCE_MS;
    loop {
        if let Some(state) = state() {
            return state;
        }
        assert!(now_ms() < give_up_ms, "waited in vain for {what}");
        std::thread::park_timeout(POLL);
    }
}

/// A directory that goes with the test.
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("commands-{}-{number}", std::process::id());
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_owned()
    }

    /// A file with this text; its path.
    pub(crate) fn file(&self, name: &str, text: impl AsRef<[u8]>) -> String {
        let path = self.path(name);
        fs::write(&path, text).unwrap();
        path
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_default()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What was left behind lies under `target/`.
        drop(fs::remove_dir_all(&self.0));
    }
}

/// The text of a campaign of five choices whose window is so many days before and after today's
/// start, in UTC.
pub(crate) fn campaign(opens_in_days: i64, closes_in_days: i64) -> String {
    let date = |days| ballot::local_date("UTC", now_ms() + days * DAY_MS).unwrap();
    let mut text = format!(
        "id = \"test\"\ntitle = \"A test\"\nzone = \"UTC\"\nopens_at = {}T00:00:00\n\
         closes_at = {}T00:00:00\nchoices_per_ballot_max = 3\nvoters_per_day_max = 10000\n",
        date(opens_in_days),
        date(closes_in_days),
    );
    for number in 1..=5 {
        text.push_str(&format!("[[choices]]\nnumber = {number}\ntitle = \"Choice {number}\"\n"));
    }
    text
}
