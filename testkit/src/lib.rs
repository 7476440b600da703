//! Real processes for tests: an Apache Kafka cluster that a test starts, breaks and forgets; a
//! Prometheus; a Chromium; what Debian packages and npm's hold.
//!
//! Nothing started here outlives the test process, however that ends; one cluster lives at a time
//! in a workspace, others queue. Only tests may depend on this crate. What a test does through
//! [`Kafka`] and [`Broker`] fails the test with a sentence; the rest answers with a `Result`.

mod broker;
mod builder;
mod chromium;
mod console;
mod debian;
mod disk;
mod error;
mod jars;
mod kafka;
mod machine;
mod npm;
mod ports;
mod probe;
mod process;
mod prometheus;
mod properties;
mod tools;
mod turn;
mod wait;

pub use broker::Broker;
pub use builder::Builder;
pub use chromium::{Chromium, chromium};
pub use debian::unpacked;
pub use error::Error;
pub use jars::{VERSION, class_path};
pub use kafka::Kafka;
pub use npm::Packages;
pub use ports::{free_port, free_ports};
pub use probe::answers;
pub use process::Process;
pub use prometheus::{Prometheus, promtool};
pub use tools::find;
pub use wait::wait_for;

use std::path::{Path, PathBuf};

/// The workspace's `target/`, whatever `CARGO_TARGET_DIR` says: one cache and one queue for all
/// builds of one checkout.
pub(crate) fn target() -> PathBuf {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent();
    workspace.unwrap_or_else(|| Path::new(".")).join("target")
}
