//! The context of clients that have nothing to say but what librdkafka says of them.

use std::sync::Arc;

use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::ConsumerContext;
use rdkafka::error::KafkaError;

use super::heard::Heard;

/// Passes on what librdkafka logs and reports.
#[derive(Debug, Clone)]
pub(super) struct Logging {
    /// The kind of client, for whoever reads the log.
    client: &'static str,
    heard: Arc<Heard>,
}

impl Logging {
    pub(super) fn new(client: &'static str, heard: &Arc<Heard>) -> Self {
        Self { client, heard: Arc::clone(heard) }
    }
}

impl ClientContext for Logging {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        self.heard.log(self.client, level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.heard.error(self.client, &error, reason);
    }

    // Nobody reads them here, and the default would parse JSON on the polling thread.
    fn stats_raw(&self, _statistics: &[u8]) {}
}

impl ConsumerContext for Logging {}
