//! Somebody who watches the result of one edge the whole time.
//!
//! What design.md promises: within a process no frontier ever falls, and with it no count; a view
//! answers 503 until it has read `tallies` to the end noted at its start and has every partition.
//! So an edge that was started again may begin anew, and below what was seen before if a stale
//! owner's snapshot was the last to be published; but it must get there again.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use serde_json::Value;

use super::client::{Address, Client, Reply};

/// How often the result is looked at.
const POLL: Duration = Duration::from_millis(40);

/// How long an answer may take: a paused edge is not waited for for ever.
const TIMEOUT: Duration = Duration::from_secs(2);

/// Figures that never fall, by name.
type Figures = BTreeMap<String, u64>;

/// A watcher at work; it ends when it is dropped.
#[derive(Debug)]
pub(crate) struct Watcher {
    target: Arc<Mutex<Target>>,
    documents: Arc<AtomicU64>,
    thread: Option<JoinHandle<Watched>>,
}

#[derive(Debug, Clone)]
struct Target {
    /// Where the edge is; nowhere while it is not up.
    edge: Option<Address>,
    /// Counts the processes.
    epoch: u32,
    done: bool,
}

/// What a watcher has seen.
#[derive(Debug, Clone, Default)]
pub(crate) struct Watched {
    /// Documents seen.
    pub(crate) documents: u64,
    /// Other answers, by status.
    pub(crate) others: BTreeMap<u16, u64>,
    /// Polls without an answer.
    pub(crate) unanswered: u64,
    /// Processes whose first document was below what was seen before them.
    pub(crate) began_lower: u64,
    /// What went back within a process.
    fallen: Vec<String>,
    /// The highest of everything that was seen, and the last document's.
    floor: Figures,
    last: Figures,
}

impl Watcher {
    /// Begins to watch the edge at this campaign URL.
    pub(crate) fn start(url: &str) -> Self {
        let target = Target { edge: Some(Address::of(url)), epoch: 0, done: false };
        let target = Arc::new(Mutex::new(target));
        let documents = Arc::new(AtomicU64::new(0));
        let (shared, seen) = (Arc::clone(&target), Arc::clone(&documents));
        // Joined by `finish`; if the test fails before, it ends with the target.
        let thread = Some(thread::spawn(move || watch(&shared, &seen)));
        Self { target, documents, thread }
    }

    /// How many documents were seen.
    pub(crate) fn documents(&self) -> u64 {
        self.documents.load(Ordering::SeqCst)
    }

    /// The process has ended. To be called before another is started in its place, so that nothing
    /// the new one says is taken for the old one's.
    pub(crate) fn ended(&self) {
        let mut target = self.target.lock().unwrap();
        target.edge = None;
        target.epoch += 1;
    }

    /// Another process is there instead.
    pub(crate) fn restarted(&self, url: &str) {
        self.target.lock().unwrap().edge = Some(Address::of(url));
    }

    /// What was seen, if nothing ever went back and the last document has reached all that was.
    ///
    /// # Panics
    /// With a sentence for each thing that went back.
    pub(crate) fn finish(mut self) -> Watched {
        self.target.lock().unwrap().done = true;
        let watched = self.thread.take().unwrap().join().unwrap();
        assert!(watched.documents > 0, "no result was seen: {watched}");
        let Watched { floor, last, fallen, .. } = &watched;
        let lower = below(floor, last);
        assert!(fallen.is_empty(), "a result went back:\n{}", fallen.join("\n"));
        assert!(lower.is_none(), "what was seen was never reached again: {lower:?}");
        watched
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        if let Ok(mut target) = self.target.lock() {
            target.done = true;
        }
    }
}

impl fmt::Display for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { documents, others, unanswered, began_lower, .. } = self;
        write!(
            f,
            "watched: {documents} documents, other statuses {others:?}, {unanswered} unanswered, \
             {began_lower} restarts began lower"
        )
    }
}

fn watch(shared: &Mutex<Target>, seen: &AtomicU64) -> Watched {
    let (mut watched, mut client) = (Watched::default(), Client::new(TIMEOUT));
    let mut before: Option<(u32, Figures)> = None;
    loop {
        let target = shared.lock().unwrap().clone();
        if let Some(edge) = &target.edge {
            match client.send(&edge.host, &edge.get("/tally")) {
                Reply::Answer { status: 200, body } => {
                    let now = figures(&serde_json::from_slice(&body).unwrap());
                    watched.see(&now, before.take(), target.epoch);
                    before = Some((target.epoch, now));
                    seen.store(watched.documents, Ordering::SeqCst);
                }
                Reply::Answer { status, .. } => *watched.others.entry(status).or_default() += 1,
                Reply::NoAnswer | Reply::Unreachable => watched.unanswered += 1,
            }
        }
        if target.done {
            // Looked at once more since it was said to end.
            return watched;
        }
        thread::park_timeout(POLL);
    }
}

impl Watched {
    fn see(&mut self, now: &Figures, before: Option<(u32, Figures)>, epoch: u32) {
        self.documents += 1;
        match before {
            Some((then, before)) if then == epoch => {
                self.fallen.extend(below(&before, now));
            }
            Some(_) if below(&self.floor, now).is_some() => self.began_lower += 1,
            Some(_) | None => {}
        }
        for (name, figure) in now {
            let highest = self.floor.entry(name.clone()).or_default();
            *highest = (*highest).max(*figure);
        }
        self.last.clone_from(now);
    }
}

/// Everything in a tally document that only grows.
fn figures(tally: &Value) -> Figures {
    let mut figures = Figures::new();
    let mut figure = |name: String, value: &Value| {
        let value = value.as_bool().map(u64::from).or_else(|| value.as_u64());
        figures.insert(name, value.expect("a number or a yes or no"));
    };
    figure("ballots".to_owned(), &tally["ballots"]);
    figure("final".to_owned(), &tally["final"]);
    for partition in tally["partitions"].as_array().unwrap() {
        let number = &partition["partition"];
        figure(format!("frontier of partition {number}"), &partition["frontier"]);
        figure(format!("final of partition {number}"), &partition["final"]);
    }
    for (choice, votes) in (1..).zip(tally["votes"].as_array().unwrap()) {
        figure(format!("votes of choice {choice}"), votes);
    }
    for day in tally["days"].as_array().unwrap() {
        figure(format!("ballots of {}", day["day"]), &day["ballots"]);
        figure(format!("closed of {}", day["day"]), &day["closed"]);
    }
    figures
}

/// The first figure that is lower now, or gone.
fn below(before: &Figures, now: &Figures) -> Option<String> {
    before.iter().find_map(|(name, was)| {
        let is = now.get(name);
        let fell = is.is_none_or(|is| is < was);
        fell.then(|| format!("{name} was {was} and is {is:?}"))
    })
}
