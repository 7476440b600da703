//! Where librdkafka's own log and errors go.
//!
//! Nothing it says is a loss by itself: what was lost or is in doubt is told where it was asked
//! for. So it never logs above a warning here.

use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::ConsumerContext;
use rdkafka::error::KafkaError;

/// The context of clients that have nothing else to say.
#[derive(Debug, Clone, Copy)]
pub(super) struct Logging;

impl ClientContext for Logging {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::warn!(%error, reason, "Kafka");
    }

    // Nobody reads them here, and the default would parse JSON on the polling thread.
    fn stats_raw(&self, _statistics: &[u8]) {}
}

impl ConsumerContext for Logging {}

pub(super) fn log(level: RDKafkaLogLevel, facility: &str, message: &str) {
    match level {
        RDKafkaLogLevel::Emerg
        | RDKafkaLogLevel::Alert
        | RDKafkaLogLevel::Critical
        | RDKafkaLogLevel::Error
        | RDKafkaLogLevel::Warning => tracing::warn!(facility, message, "librdkafka"),
        RDKafkaLogLevel::Notice | RDKafkaLogLevel::Info | RDKafkaLogLevel::Debug => {
            tracing::debug!(facility, message, "librdkafka");
        }
    }
}
