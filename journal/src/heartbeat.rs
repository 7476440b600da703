//! The heartbeat of a process: how it learns, again and again, how far its clock is off.
//!
//! It only ever feeds a [`ClockCheck`]; what follows from an unsound clock is decided elsewhere.

use std::time::Duration;

use tokio::time::sleep;

use crate::{Clock, ClockCheck, Journal};

/// How often a heartbeat is written: often enough that a stepped clock is noticed well within the
/// least grace (10 s), seldom enough to cost nothing.
const INTERVAL: Duration = Duration::from_secs(1);

/// Writes heartbeats and feeds the check. Never ends; whoever spawns it ends it.
pub async fn beat<J: Journal>(journal: J, clock: &dyn Clock, check: &ClockCheck) {
    loop {
        let sent_ms = clock.now_ms();
        match journal.heartbeat().await {
            Ok(append_time_ms) => {
                let was_sound = sound(check);
                check.observe(sent_ms, clock.now_ms(), append_time_ms);
                let offset_ms = check.offset_ms();
                match (was_sound, sound(check)) {
                    (None | Some(true), Some(false)) => {
                        tracing::error!(offset_ms, "our clock is off: no ballots, no closes by it");
                    }
                    (None | Some(false), Some(true)) => {
                        tracing::info!(offset_ms, "our clock is sound");
                    }
                    (Some(true), Some(true)) | (Some(false), Some(false)) | (_, None) => {}
                }
            }
            Err(error) => tracing::debug!(%error, "a heartbeat was not answered"),
        }
        sleep(INTERVAL).await;
    }
}

/// Whether the clock is sound; `None` until it has been compared.
fn sound(check: &ClockCheck) -> Option<bool> {
    check.offset_ms().map(|_| check.is_sound())
}
