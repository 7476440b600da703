//! What edges and aggregators on Kafka export, against the table in `docs/metrics.md`, and what
//! librdkafka says of its broker.

use crate::exposition::as_documented;
use crate::kit::{Request, Scratch, tally};
use crate::site::Site;
use crate::storm::Population;

pub(crate) fn both_kinds_of_process_export_exactly_what_the_table_says(
    kafka: &testkit::Kafka,
    scratch: &Scratch,
) {
    let site = Site::founded(kafka, scratch, "measured");
    let token = Population::new(&site.text, 1).token(0);
    let (edge, aggregate) = (site.ingest(&[]), site.aggregate(&[]));
    let answer = Request::ballot(&format!("{}/ballots", edge.url()), &token, &[2]).send();
    assert_eq!(answer.status, 202);
    let receipt = answer.json()["receipt"].as_str().unwrap().to_owned();
    tally(&aggregate.url(), 1, 0);
    for (server, role) in [(&edge, "edge"), (&aggregate, "counting")] {
        let shown = as_documented(server, &["both", role], true);
        shown.keeps_to_itself(&[&token, &receipt, "127.0.0.1", "localhost", "storm", "/"]);
        assert_eq!(shown.sum("weir_build_info", &[("role", role)]), 1.0);
        assert_eq!(shown.sum("weir_campaign_partitions", &[("campaign", "measured")]), 4.0);
        // A single node, once however many addresses it is known by; heartbeats need it.
        assert_eq!(shown.sum("weir_kafka_broker_up", &[]), 1.0);
        let rtt =
            |statistic| shown.sum("weir_kafka_broker_rtt_seconds", &[("statistic", statistic)]);
        assert!(rtt("avg") > 0.0 && rtt("p99") < 5.0, "{} {}", rtt("avg"), rtt("p99"));
        assert!(shown.sum("weir_kafka_queue_records", &[]) <= 1.0);
        assert!(shown.sum("weir_kafka_broker_retries_total", &[]) >= 0.0);
    }
    edge.stop();
    aggregate.stop();
}
