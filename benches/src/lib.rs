//! What the benches share: a campaign that is open, ballots and records of it, servers and what is
//! asked of them, sizes, processes of their own, and how a figure is shown.
//!
//! Everything is seeded, so that two runs do the same work. Never here: a figure, or anything that
//! the code under measurement does itself.

mod bare;
mod child;
mod edge;
mod figures;
mod http;
mod log;
mod per_ballot;
mod poll;
mod sizes;
// The edge keeps it to itself, and the bench is to measure that very code.
#[path = "../../ingest/src/submission.rs"]
mod submission;

pub use bare::{Answer, serve_bare};
pub use child::{Child, cpu_us, orders, resident_kib, say, told};
pub use edge::Watched;
pub use figures::{cores, median, ratio, shown, write};
pub use http::{ask, connect, header, split};
pub use log::{LogWriter, Logged};
pub use per_ballot::{PerBallot, criterion};
pub use poll::{Ballots, Poll, VOTERS_PER_DAY_MAX, yesterday};
pub use sizes::{is_measured, is_named, list, number};

/// What goes wrong in a bench that runs processes: it is told and ends the run.
pub type Error = Box<dyn std::error::Error + Send + Sync>;

/// Reads a ballot as the edge does; whether it is one that may be valid.
#[must_use]
pub fn is_submission(body: &[u8]) -> bool {
    submission::Submission::parse(body).is_ok_and(|read| {
        read.impossible.is_empty()
            && read.repeated.is_empty()
            && read.day.is_none()
            && !read.choices.is_empty()
    })
}
