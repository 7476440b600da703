//! Open-loop load on Weir, and the proof afterwards.
//!
//! Arrivals follow a schedule fixed in advance; latency is counted from the intended time. Never
//! here: a load on anything but what it is pointed at, or a figure that was not measured.

pub mod connection;
pub mod days;
pub mod http;
pub mod keys;
pub mod live;
pub mod load;
pub mod notes;
pub mod plan;
pub mod population;
pub mod processes;
pub mod proof;
pub mod random;
pub mod record;
pub mod report;
pub mod run;
pub mod schedule;
pub mod target;
pub mod threshold;
pub mod traffic;
pub mod verdict;
pub mod zipf;
