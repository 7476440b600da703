//! A cluster that wants a password and looks at permissions: whoever is refused is told why, soon,
//! and by name, and is let in without a restart once it is allowed.

#![expect(clippy::unwrap_used, reason = "a failing test must say where")]

mod conformance;
#[path = "kafka/counting.rs"]
mod counting;
#[path = "kafka/kit.rs"]
mod kit;

use std::time::Duration;

use ballot::JournalId;
use conformance::{BASE_MS, Harness, append_some, read_some, value};
use journal::{AppendError, Error, Group, GroupEvent, Journal, Kafka, KafkaCluster, KafkaOptions};
use kit::Campaigns;
use rdkafka::mocking::MockCluster;
use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};
use tokio::time::{Instant, timeout};

const USERS: &str = "org.apache.kafka.common.security.plain.PlainLoginModule required \
                     user_auditor=\"of-the-auditor\";";
/// Much sooner than the deadlines of questions, which are what a bare timeout takes.
const SOON: Duration = Duration::from_secs(4);
const HEARD_WITHIN: Duration = Duration::from_secs(60);

fn broker() -> testkit::Kafka {
    testkit::Kafka::builder(1)
        .listener("CLIENTS", "SASL_PLAINTEXT")
        .property("listener.name.clients.sasl.enabled.mechanisms", "PLAIN")
        .property("listener.name.clients.plain.sasl.jaas.config", USERS)
        .property(
            "authorizer.class.name",
            "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        )
        // The tests' own, on the listener without passwords.
        .property("super.users", "User:ANONYMOUS")
        .start()
}

fn connect(kafka: &testkit::Kafka, password: &str) -> KafkaCluster {
    let mut options = KafkaOptions::new(kafka.bootstrap_on("CLIENTS"));
    let properties = [
        ("security.protocol", "SASL_PLAINTEXT"),
        ("sasl.mechanism", "PLAIN"),
        ("sasl.username", "auditor"),
        ("sasl.password", password),
    ];
    options.properties = properties.map(|(k, v)| (k.to_owned(), v.to_owned())).to_vec();
    KafkaCluster::connect(options).unwrap()
}

fn allow(kafka: &testkit::Kafka, what: &[&str]) {
    let to_whom = ["--add", "--force", "--allow-principal", "User:auditor"];
    let options = [&to_whom, what].concat();
    kafka.tool("org.apache.kafka.tools.AclCommand", &options, b"").unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_refused_is_told_why_and_let_in_once_allowed() {
    let kafka = broker();
    let campaigns = Campaigns::on(&kafka.bootstrap());
    let journal = campaigns.new_journal(1).await;
    append_some(&journal, 0, 3).await;
    let name = campaigns.last_name();
    counting::begin();
    a_wrong_password_is_told_soon(&kafka).await;
    // Each kind of client once, and what the other test here has to say.
    let lines = counting::lines();
    assert!((1..=12).contains(&lines), "{lines} lines for somebody on call");

    let auditor = connect(&kafka, "of-the-auditor");
    let reading = ["--operation", "Read", "--operation", "Describe"];
    allow(&kafka, &[&reading[..], &["--topic", "*"]].concat());
    let unreadable = auditor.check_topics(&name, 1).await.unwrap_err();
    assert!(matches!(unreadable, Error::Refused(_)), "{unreadable:?}");
    assert!(unreadable.to_string().contains("needs DescribeConfigs"), "{unreadable}");

    // Reading is all it may do, and it is enough to read.
    let theirs = auditor.founding(&name, JournalId([1; 16])).await;
    assert!(matches!(theirs, Err(Error::Refused(_))), "these are no rules: {theirs:?}");
    let empty = campaigns.new_journal(1).await;
    let theirs = auditor.founding(&campaigns.last_name(), empty.identity()).await.unwrap();
    append_some(&empty, 0, 3).await;
    assert_eq!(read_some(&mut theirs.read(0, 0), 3).await.len(), 3);
    let fate = theirs.append(0, BASE_MS, value(9)).await;
    assert!(matches!(fate, Err(AppendError::InDoubt(_) | AppendError::Refused(_))), "{fate:?}");
    a_member_that_may_not_join_says_so(&kafka, &theirs).await;
}

async fn a_wrong_password_is_told_soon(kafka: &testkit::Kafka) {
    let stranger = connect(kafka, "wrong");
    for _ in 0..2 {
        let asked = Instant::now();
        let refused = stranger.campaigns().await.unwrap_err();
        eprintln!("after {:?}: {refused}", asked.elapsed());
        assert!(matches!(refused, Error::Unavailable(_)), "{refused:?}");
        assert!(refused.to_string().contains("uthentication failed"), "{refused}");
        assert!(asked.elapsed() < SOON, "{:?}", asked.elapsed());
    }
    let asked = Instant::now();
    let refused = stranger.create_topics("theirs", None, 1).await.unwrap_err();
    assert!(refused.to_string().contains("uthentication failed"), "{refused}");
    assert!(asked.elapsed() < SOON, "{:?}", asked.elapsed());
}

async fn a_member_that_may_not_join_says_so(kafka: &testkit::Kafka, journal: &Kafka) {
    let mut member = journal.join();
    for _ in 0..2 {
        let told = timeout(HEARD_WITHIN, member.next()).await.unwrap();
        let Err(Error::Unavailable(why)) = told else { unreachable!("{told:?}") };
        assert!(why.contains("Group authorization failed"), "{why}");
    }
    allow(kafka, &["--operation", "Read", "--group", "*"]);
    assert_eq!(timeout(HEARD_WITHIN, first_assignment(&mut member)).await.unwrap(), [0]);
    // One that has nothing to do knows that it has.
    let mut second = journal.join();
    assert_eq!(timeout(HEARD_WITHIN, first_assignment(&mut second)).await.unwrap(), [0; 0]);
    second.leave().await;
    member.leave().await;
}

async fn first_assignment(member: &mut impl Group) -> Vec<u32> {
    loop {
        match member.next().await {
            Ok(GroupEvent::Assigned(partitions)) => return partitions,
            Ok(GroupEvent::Revoked(..)) => {}
            Err(error) => eprintln!("not yet: {error}"),
        }
    }
}

/// Without a broker's own memory of who may do what: the error comes once, and then goes away.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_that_is_heard_once_is_told_until_it_is_over() {
    let mock = MockCluster::new(1).unwrap();
    mock.create_topic("ballots.mock", 1, 1).unwrap();
    mock.create_topic("tallies.mock", 1, 1).unwrap();
    let cluster = KafkaCluster::connect(KafkaOptions::new(mock.bootstrap_servers())).unwrap();
    let journal = cluster.founding("mock", JournalId([1; 16])).await.unwrap();
    let no = RDKafkaRespErr::RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED;
    mock.request_errors(RDKafkaApiKey::JoinGroup, &[no; 10]);
    let mut member = journal.join();
    let told = timeout(HEARD_WITHIN, member.next()).await.unwrap();
    let Err(Error::Unavailable(why)) = told else { unreachable!("{told:?}") };
    assert!(why.contains("Group authorization failed"), "{why}");
    assert_eq!(timeout(HEARD_WITHIN, first_assignment(&mut member)).await.unwrap(), [0]);
    member.leave().await;
}
