//! A load and the proof afterwards: voters who cast, retry and repeat over a storm of failures, and
//! an independent model of the log that says whether what they were told became true.
//!
//! The load only notes what it sent and was answered; the model only reads the log and never uses
//! the fold it checks. Never here: a decision about what a failure may do, which is the test's.

#![allow(dead_code, reason = "each test crate uses a part of it")]
#![allow(
    unused_imports,
    clippy::unwrap_used,
    clippy::panic,
    reason = "as above, and a test says where it fails by panicking"
)]

mod client;
mod load;
mod log;
mod model;
mod notes;
mod pace;
mod population;
mod proof;
mod rfc6962;
mod summary;
mod watcher;

pub(crate) use client::{Address, Client, Reply};
pub(crate) use load::{Load, Plan};
pub(crate) use log::{read_all, records};
pub(crate) use model::Model;
pub(crate) use notes::{Attempt, Fate, Notes};
pub(crate) use pace::Gaps;
pub(crate) use population::Population;
pub(crate) use proof::Proof;
pub(crate) use rfc6962::{head_of_records, rfc6962_head};
pub(crate) use summary::Summary;
pub(crate) use watcher::{Watched, Watcher};
