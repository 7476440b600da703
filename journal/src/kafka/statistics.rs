//! librdkafka's statistics of the producer, read for what is worth watching.
//!
//! They come as JSON every few seconds, on the thread that polls for delivery reports. Invariant:
//! what cannot be read changes nothing but what is shown. Never here: a broker's address, or one of
//! librdkafka's own pseudo brokers.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde::Deserialize;

use crate::{BrokerStatistics, RoundTrip, Statistics};

/// How often librdkafka tells them: two or three times between two scrapes of the usual 15 s. One
/// telling costs some 100 µs with 50 partitions.
pub(super) const INTERVAL_MS: &str = "5000";

/// The newest statistics of a producer.
#[derive(Debug, Default)]
pub(super) struct Latest(Mutex<Option<Statistics>>);

/// What is read of them; see librdkafka's `STATISTICS.md`.
#[derive(Deserialize)]
struct Told {
    msg_cnt: u64,
    msg_size: u64,
    brokers: BTreeMap<String, ToldBroker>,
}

#[derive(Deserialize)]
struct ToldBroker {
    nodeid: i32,
    state: String,
    waitresp_cnt: i64,
    txretries: u64,
    rtt: Window,
}

/// Values of the last interval, in microseconds.
#[derive(Deserialize)]
struct Window {
    cnt: u64,
    avg: i64,
    p99: i64,
}

impl Latest {
    /// Takes what librdkafka told.
    pub(super) fn take(&self, json: &[u8]) {
        match read(json) {
            Ok(statistics) => {
                *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(statistics)
            }
            Err(error) => tracing::debug!(%error, "librdkafka's statistics cannot be read"),
        }
    }

    /// The newest; `None` until there are some.
    pub(super) fn newest(&self) -> Option<Statistics> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn read(json: &[u8]) -> Result<Statistics, serde_json::Error> {
    let Told { msg_cnt, msg_size, brokers } = serde_json::from_slice(json)?;
    let brokers = brokers.into_values().filter_map(broker).collect();
    Ok(Statistics { queue_records: msg_cnt, queue_bytes: msg_size, brokers })
}

/// A broker that the producer has, or wants, a connection to.
fn broker(told: ToldBroker) -> Option<BrokerStatistics> {
    let ToldBroker { nodeid, state, waitresp_cnt, txretries, rtt } = told;
    // Addresses to begin with, and librdkafka's own, have no id. INIT is a broker that nothing is
    // sent to: it is connected to when it is needed, and its connection may end when it is not.
    if nodeid < 0 || state == "INIT" {
        return None;
    }
    let round_trip =
        (rtt.cnt > 0).then(|| RoundTrip { avg: micros(rtt.avg), p99: micros(rtt.p99) });
    Some(BrokerStatistics {
        broker: nodeid,
        // A connection that authenticates itself anew stands.
        is_up: ["UP", "REAUTH"].contains(&state.as_str()),
        round_trip,
        requests_in_flight: u64::try_from(waitresp_cnt).unwrap_or(0),
        retries: txretries,
    })
}

fn micros(micros: i64) -> Duration {
    Duration::from_micros(u64::try_from(micros).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(brokers: &str) -> String {
        let more = r#""name":"rdkafka#producer-1","age":5001,"topics":{"t":{"age":3}}"#;
        format!(r#"{{{more},"msg_cnt":7,"msg_size":900,"brokers":{{{brokers}}}}}"#)
    }

    fn one(id: i32, state: &str, requests: u32) -> String {
        format!(
            r#""h:9092/{id}":{{"name":"h:9092/{id}","nodeid":{id},"state":"{state}",
               "waitresp_cnt":{requests},"txretries":4,
               "rtt":{{"cnt":{requests},"avg":1500,"p99":9000,"hdrsize":1}}}}"#
        )
    }

    #[test]
    fn brokers_with_an_id_that_are_needed_are_shown_and_no_others() {
        let brokers = [one(-1, "UP", 1), one(1, "UP", 2), one(2, "INIT", 0), one(3, "CONNECT", 0)];
        let latest = Latest::default();
        latest.take(told(&brokers.join(",")).as_bytes());
        let Statistics { queue_records, queue_bytes, brokers } = latest.newest().unwrap();
        assert_eq!((queue_records, queue_bytes, brokers.len()), (7, 900, 2));
        let (avg, p99) = (Duration::from_micros(1_500), Duration::from_millis(9));
        let up = BrokerStatistics {
            broker: 1,
            is_up: true,
            round_trip: Some(RoundTrip { avg, p99 }),
            requests_in_flight: 2,
            retries: 4,
        };
        assert_eq!(brokers[0], up);
        let [_, down] = brokers.try_into().unwrap();
        let waiting = BrokerStatistics {
            broker: 3,
            is_up: false,
            round_trip: None,
            requests_in_flight: 0,
            ..up
        };
        assert_eq!(down, waiting);
    }

    #[test]
    fn what_cannot_be_read_leaves_the_last_standing() {
        let latest = Latest::default();
        latest.take(told("").as_bytes());
        latest.take(b"{\"msg_cnt\":");
        assert_eq!(latest.newest().unwrap().queue_records, 7);
    }
}
