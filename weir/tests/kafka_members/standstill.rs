//! How long the counting of each partition stands still, as somebody sees who asks for the result.

use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use crate::storm::{Address, Client, Reply};

/// How often the result is looked at: the resolution of what is measured, beside the quarter of a
/// second between two snapshots.
const POLL: Duration = Duration::from_millis(30);

/// Looks at one process's result; it ends when it is dropped.
pub(crate) struct Standstill {
    shared: Arc<Mutex<Seen>>,
    /// Joined by nobody: it ends with `shared`.
    _thread: JoinHandle<()>,
}

/// What was seen of each partition.
#[derive(Debug, Default)]
struct Seen {
    frontiers: Vec<u64>,
    moved: Vec<Option<Instant>>,
    longest: Vec<Duration>,
}

impl Standstill {
    pub(crate) fn of(url: &str) -> Self {
        let shared = Arc::new(Mutex::new(Seen::default()));
        let (seen, address) = (Arc::downgrade(&shared), Address::of(url));
        let thread = thread::spawn(move || {
            let mut client = Client::new(Duration::from_secs(2));
            while let Some(seen) = seen.upgrade() {
                let reply = client.send(&address.host, &address.get("/tally"));
                if let Reply::Answer { status: 200, body } = reply {
                    seen.lock().unwrap().look(&serde_json::from_slice(&body).unwrap());
                }
                drop(seen);
                thread::park_timeout(POLL);
            }
        });
        Self { shared, _thread: thread }
    }

    /// How long each partition stood still at most since this was last asked, up to now.
    pub(crate) fn take(&self) -> Vec<Duration> {
        let mut seen = self.shared.lock().unwrap();
        let now = Instant::now();
        let open = seen.moved.iter().map(|moved| moved.map_or(Duration::ZERO, |moved| now - moved));
        let longest: Vec<_> =
            seen.longest.iter().zip(open).map(|(longest, open)| open.max(*longest)).collect();
        seen.longest.fill(Duration::ZERO);
        // What has been told is not told again.
        seen.moved.iter_mut().for_each(|moved| *moved = Some(now));
        longest
    }
}

impl Seen {
    fn look(&mut self, tally: &Value) {
        let partitions = tally["partitions"].as_array().unwrap();
        let count = partitions.len();
        self.frontiers.resize(count, 0);
        self.moved.resize(count, None);
        self.longest.resize(count, Duration::ZERO);
        let now = Instant::now();
        for (place, partition) in partitions.iter().enumerate() {
            let frontier = partition["frontier"].as_u64().unwrap();
            if frontier > self.frontiers[place] {
                self.frontiers[place] = frontier;
                let stood = self.moved[place].map_or(Duration::ZERO, |moved| now - moved);
                self.longest[place] = self.longest[place].max(stood);
                self.moved[place] = Some(now);
            }
        }
    }
}
