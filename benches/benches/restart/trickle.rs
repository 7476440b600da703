//! A steady trickle of ballots over HTTP, one partition after the other, so that every partition's
//! frontier has something to move for.
//!
//! Invariant: a ballot is sent again until it is acknowledged, and only then the next one follows:
//! so every one counts, and once.

use std::sync::Arc;
use std::time::Duration;

use benches::Error;
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;

use crate::http::Client;
use crate::site::{Site, voting};

/// Between two ballots: a partition of six gets eight a second.
const EVERY: Duration = Duration::from_millis(20);
/// Until a ballot has its answer, and until the last one has.
const PATIENCE: Duration = Duration::from_secs(60);

/// The trickle while it runs.
#[derive(Debug)]
pub(crate) struct Trickle {
    end: CancellationToken,
    task: JoinHandle<u64>,
}

impl Trickle {
    pub(crate) fn start(site: Arc<Site>, api: &str) -> Self {
        let (end, mut client) = (CancellationToken::new(), Client::new(api));
        let ended = end.clone();
        // Joined by `finish`.
        let task = tokio::spawn(async move {
            let mut tick = interval(EVERY);
            tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
            let mut acknowledged = 0;
            for ballot in voting() {
                if ended.is_cancelled() {
                    break;
                }
                let request = site.request(&ballot);
                tick.tick().await;
                while !cast(&mut client, &request).await {
                    tick.tick().await;
                }
                acknowledged += 1;
            }
            acknowledged
        });
        Self { end, task }
    }

    /// Ends it and answers how many ballots were acknowledged: all that were sent.
    pub(crate) async fn finish(self) -> Result<u64, Error> {
        self.end.cancel();
        Ok(timeout(PATIENCE, self.task).await.map_err(|_| "a ballot was never acknowledged")??)
    }
}

/// Casts a ballot; whether it was acknowledged.
pub(crate) async fn cast(client: &mut Client, request: &str) -> bool {
    client.send(request).await.is_some_and(|answer| answer.status == 202)
}

/// Milliseconds since then.
pub(crate) fn ms_since(then: Instant) -> u64 {
    u64::try_from(then.elapsed().as_millis()).unwrap_or(u64::MAX)
}
