//! A listener that wants a password, as clusters in earnest have: `--kafka-config` passes it on.

use testkit::{Builder, Kafka};

use crate::kit::{Request, Scratch, now_ms, tally};
use crate::site::Site;
use crate::storm::Population;

const USERS: &str = "org.apache.kafka.common.security.plain.PlainLoginModule required \
                     user_weir=\"of-the-test\";";

/// A broker with a second listener that knows one user.
pub(crate) fn broker() -> Builder {
    Kafka::builder(1)
        .listener("CLIENTS", "SASL_PLAINTEXT")
        .property("listener.name.clients.sasl.enabled.mechanisms", "PLAIN")
        .property("listener.name.clients.plain.sasl.jaas.config", USERS)
}

pub(crate) fn a_password_is_passed_on_and_a_wrong_one_is_told(kafka: &Kafka, scratch: &Scratch) {
    let mut site = Site::new(kafka, scratch, "secured");
    site.bootstrap = kafka.bootstrap_on("CLIENTS");
    let config = |password: &str| {
        let text = format!(
            "security.protocol=SASL_PLAINTEXT\nsasl.mechanism=PLAIN\nsasl.username=weir\n\
             sasl.password={password}\n"
        );
        vec!["--kafka-config".to_owned(), scratch.file("sasl.properties", text)]
    };
    site.more = config("wrong");
    let began_ms = now_ms();
    let ran = site.topics(&[]);
    assert_eq!(ran.code, Some(69), "{ran:?}");
    assert!(ran.stderr.to_lowercase().contains("authentication"), "{ran:?}");
    assert!(!ran.stderr.contains("of-the-test"), "{ran:?}");
    println!("a wrong password was told after {} ms", now_ms() - began_ms);

    site.more = config("of-the-test");
    assert_eq!(site.topics(&["--partitions", "4"]).code, Some(0));
    let (edge, aggregate) = (site.ingest(&[]), site.aggregate(&[]));
    let token = Population::new(&site.text, 1).token(0);
    let cast = Request::ballot(&format!("{}/ballots", edge.url()), &token, &[1]).send();
    assert_eq!(cast.status, 202);
    tally(&aggregate.url(), 1, 0);
    assert!(!edge.stderr().contains("of-the-test"), "{}", edge.stderr());
    edge.stop();
    aggregate.stop();
}
