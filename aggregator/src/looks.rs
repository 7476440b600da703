//! The looks at how far the workers are behind the log, one a tick, and at which stand still.
//!
//! A look only notes what it sees; what that means is said by whoever reads the status. Never here:
//! anything that a worker waits for.

use journal::Journal;
use tokio::time::{Instant, interval};

use crate::context::Context;
use crate::status::Phase;

/// Measures how far the workers are behind the log, and which stand still.
pub(crate) async fn look_at_lag<J: Journal>(context: Context<J>) {
    let mut tick = interval(context.config.tick);
    loop {
        tick.tick().await;
        for (partition, status) in context.statuses.all() {
            look_at(&context, partition, &status.phase).await;
        }
    }
}

async fn look_at<J: Journal>(context: &Context<J>, partition: u32, phase: &Phase) {
    if *phase == Phase::Final {
        return context.statuses.update(partition, |status| {
            // Whatever is behind the close is not to be folded: this is known without a question.
            status.lag = 0;
            status.measured_at = Instant::now();
            status.stalled = false;
        });
    }
    // Before the question: whatever is appended while it is answered is not known of.
    let asked_ms = context.clock.now_ms();
    let bounds = context.journal.bounds(partition).await;
    let stall_after = context.config.stall_after;
    context.statuses.update(partition, |status| {
        if let Ok(bounds) = bounds {
            status.note_end(bounds.end, asked_ms);
        }
        let since = status.behind_since.unwrap_or_else(Instant::now);
        status.behind_since = (status.lag > 0).then_some(since);
        let stands = since.elapsed() > stall_after;
        status.stalled = stands || status.measured_at.elapsed() > stall_after;
    });
}
