//! What a process shows of its client of the journal, where the journal has one: of Kafka's, its
//! queue and its connections to brokers.
//!
//! Invariant: a broker has series while it is among the statistics, and none after.

use ingest::metrics::{Pulled, Reading, whole};
use journal::{BrokerStatistics, Journal, Statistics};
use prometheus::core::Collector;
use prometheus::{GaugeVec, IntCounterVec, IntGaugeVec, Opts, Registry, Result};

use super::{
    AVG, BROKER, KAFKA_BROKER_REQUESTS, KAFKA_BROKER_RETRIES, KAFKA_BROKER_RTT, KAFKA_BROKER_UP,
    KAFKA_QUEUE_BYTES, KAFKA_QUEUE_RECORDS, P99, STATISTIC,
};

pub(super) fn watch(registry: &Registry, journal: impl Journal) -> Result<()> {
    let families = Families::new()?;
    let collectors = families.collectors();
    let reading: Reading = Box::new(move || {
        families.clear();
        if let Some(statistics) = journal.statistics() {
            families.fill(&statistics);
        }
    });
    registry.register(Box::new(Pulled::new(collectors, vec![reading])))
}

struct Families {
    /// Without labels, and a series only once there is a value.
    queue_records: IntGaugeVec,
    queue_bytes: IntGaugeVec,
    up: IntGaugeVec,
    rtt: GaugeVec,
    requests: IntGaugeVec,
    retries: IntCounterVec,
}

impl Families {
    fn new() -> Result<Self> {
        let gauge = |name, help, labels: &[&str]| IntGaugeVec::new(Opts::new(name, help), labels);
        let rtt = Opts::new(KAFKA_BROKER_RTT, "Round trip of the producer's requests, lately.");
        let retries = Opts::new(KAFKA_BROKER_RETRIES, "Requests sent again.");
        let requests = "Requests sent and not answered.";
        Ok(Self {
            queue_records: gauge(KAFKA_QUEUE_RECORDS, "Records in the producer's queue.", &[])?,
            queue_bytes: gauge(KAFKA_QUEUE_BYTES, "Their bytes.", &[])?,
            up: gauge(KAFKA_BROKER_UP, "1 if the producer's connection is up.", &[BROKER])?,
            rtt: GaugeVec::new(rtt, &[BROKER, STATISTIC])?,
            requests: gauge(KAFKA_BROKER_REQUESTS, requests, &[BROKER])?,
            retries: IntCounterVec::new(retries, &[BROKER])?,
        })
    }

    fn collectors(&self) -> Vec<Box<dyn Collector>> {
        vec![
            Box::new(self.queue_records.clone()),
            Box::new(self.queue_bytes.clone()),
            Box::new(self.up.clone()),
            Box::new(self.rtt.clone()),
            Box::new(self.requests.clone()),
            Box::new(self.retries.clone()),
        ]
    }

    fn clear(&self) {
        for family in [&self.queue_records, &self.queue_bytes, &self.up, &self.requests] {
            family.reset();
        }
        self.rtt.reset();
        self.retries.reset();
    }

    fn fill(&self, statistics: &Statistics) {
        let Statistics { queue_records, queue_bytes, brokers } = statistics;
        let set = |family: &IntGaugeVec, labels: &[&str], value: u64| {
            family
                .with_label_values(labels)
                .set(whole(usize::try_from(value).unwrap_or(usize::MAX)));
        };
        set(&self.queue_records, &[], *queue_records);
        set(&self.queue_bytes, &[], *queue_bytes);
        for of in brokers {
            let BrokerStatistics { broker, is_up, round_trip, requests_in_flight, retries } = of;
            let broker = broker.to_string();
            set(&self.up, &[&broker], u64::from(*is_up));
            set(&self.requests, &[&broker], *requests_in_flight);
            self.retries.with_label_values(&[&broker]).inc_by(*retries);
            let Some(round_trip) = round_trip else { continue };
            for (statistic, value) in [(AVG, round_trip.avg), (P99, round_trip.p99)] {
                let labels = [broker.as_str(), statistic];
                self.rtt.with_label_values(&labels).set(value.as_secs_f64());
            }
        }
    }
}
