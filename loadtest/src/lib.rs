//! Open-loop load on Weir, and the proof afterwards.
//!
//! Arrivals follow a schedule fixed in advance; latency is counted from the intended time. Never
//! here: a load on anything but what it is pointed at, or a figure that was not measured.

pub mod record;
