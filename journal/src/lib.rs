//! The log behind Weir: what a journal promises, and the journals that keep it.
//!
//! A journal holds one campaign: an append-only log of records in a fixed number of partitions,
//! and beside it the latest snapshot of each partition. The journal is the only state there is.

mod clock;
mod embedded;
mod error;
mod heartbeat;
mod journal;
mod kafka;
mod record;
pub mod simulated;
mod statistics;

pub use clock::{Clock, ClockCheck, MEASURED_AGE_MAX, SystemClock};
pub use embedded::{
    DatabaseFactory, Embedded, EmbeddedGroup, EmbeddedOptions, EmbeddedReader, EmbeddedSnapshots,
    Health,
};
pub use error::{AppendError, Error};
pub use heartbeat::beat;
pub use journal::{
    Acknowledge, Group, GroupEvent, Journal, Reader, SnapshotReader, acknowledgement,
};
pub use kafka::{
    AppendTimes, Kafka, KafkaBroker, KafkaCluster, KafkaGroup, KafkaOptions, KafkaReader,
    KafkaSnapshots, TopicHealth, TopicSetting,
};
pub use record::{Published, PublishedSnapshots, Record};
pub use statistics::{BrokerStatistics, RoundTrip, Statistics};
