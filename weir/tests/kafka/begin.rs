//! How campaigns begin on Kafka, how they are extended, and how a process has several.

use ballot::{JournalId, Record, Rules};
use journal::{Journal as _, KafkaCluster, KafkaOptions};

use crate::kit::{Request, Scratch, Server, campaign, eventually, now_ms, tally};
use crate::site::Site;
use crate::storm::Population;

pub(crate) fn a_campaign_begins_once_and_its_keys_are_made_with_it(
    kafka: &testkit::Kafka,
    scratch: &Scratch,
) {
    let site = Site::new(kafka, scratch, "begun");
    std::fs::remove_file(&site.keys).unwrap();
    let directory = scratch.path("keys/");
    let given = ["--keys", &directory];
    let ran = site.topics(&given);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.stderr.contains("begun has new keys in "), "{ran:?}");
    assert!(ran.stderr.contains("made the topics ballots.begun and tallies.begun"), "{ran:?}");
    assert!(ran.stderr.contains("begun: all 6 partitions have these rules"), "{ran:?}");
    let made = scratch.read("keys/begun.keys.toml");

    let ran = site.topics(&given);
    assert_eq!(ran.stderr, "begun: all 6 partitions have these rules\n", "again only compares");
    assert_eq!(scratch.read("keys/begun.keys.toml"), made);
    let ran = site.topics(&["--partitions", "8", "--keys", &directory]);
    assert_eq!(ran.code, Some(69), "{ran:?}");
    assert!(ran.stderr.contains("ballots.begun has 6 partitions"), "{ran:?}");

    std::fs::remove_file(scratch.path("keys/begun.keys.toml")).unwrap();
    let ran = site.topics(&given);
    assert_eq!(ran.code, Some(64), "{ran:?}");
    assert!(ran.stderr.contains("but the campaign has begun"), "{ran:?}");
    assert_eq!(scratch.read("keys/begun.keys.toml"), "", "no keys are made in their place");
}

/// Two who begin at once end with one journal and one set of keys.
pub(crate) fn two_may_begin_at_once(kafka: &testkit::Kafka, scratch: &Scratch) {
    let site = Site::new(kafka, scratch, "at-once");
    std::fs::remove_file(&site.keys).unwrap();
    let given = ["--keys", &site.keys];
    let both = std::thread::scope(|scope| {
        let both = [(); 2].map(|()| scope.spawn(|| site.topics(&given)));
        both.map(|one| one.join().unwrap())
    });
    // One may have come while the other had not led the new topics to their end.
    assert!(both.iter().any(|ran| ran.code == Some(0)), "{both:?}");
    assert_eq!(site.topics(&given).code, Some(0), "{both:?}");
    site.ingest(&[]).stop();
    let ran = site.topics(&["--keys", &scratch.file("others.toml", Population::keys_toml())]);
    assert!(ran.stderr.contains("pseudonym key differs"), "the keys were made: {ran:?}");
}

/// Somebody was killed behind the topics, or behind the first rules record.
pub(crate) fn a_founding_that_was_cut_short_is_finished(kafka: &testkit::Kafka, scratch: &Scratch) {
    let site = Site::new(kafka, scratch, "cut-short");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let cluster = KafkaCluster::connect(KafkaOptions::new(&site.bootstrap)).unwrap();
    let rules = |journal| Population::new(&site.text, 1).rules(journal, 4);
    let first = runtime.block_on(async {
        assert!(cluster.create_topics(&site.id, Some(4), 1).await.unwrap());
        let journal = cluster.founding(&site.id, JournalId([1; 16])).await.unwrap();
        let first: Rules = rules(journal.identity());
        journal.append(0, now_ms(), Record::Rules(first.clone()).encode()).await.unwrap();
        // Another who began at once, and came second: nobody minds.
        let second = Record::Rules(rules(JournalId([2; 16]))).encode();
        journal.append(0, now_ms(), second).await.unwrap();
        first
    });
    let ran = site.run("aggregate", &[]);
    assert_eq!(ran.code, Some(69), "{ran:?}");
    assert!(ran.stderr.contains("partition 1 does not begin with a rules record"), "{ran:?}");
    let ran = site.topics(&[]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    runtime.block_on(async {
        let journal = cluster.journal(&site.id).await.unwrap();
        assert_eq!(journal.identity(), first.journal);
        for partition in 0..4 {
            let end = journal.bounds(partition).await.unwrap().end;
            assert_eq!(end, if partition == 0 { 2 } else { 1 });
        }
    });
    let aggregate = site.aggregate(&[]);
    tally(&aggregate.url(), 0, 0);
    aggregate.stop();
}

pub(crate) fn an_extension_reaches_a_running_edge(kafka: &testkit::Kafka, scratch: &Scratch) {
    let mut site = Site::founded(kafka, scratch, "extended");
    let population = Population::new(&site.text, 10);
    let (edge, aggregate) = (site.ingest(&[]), site.aggregate(&[]));
    let ballots = format!("{}/ballots", edge.url());
    let cast = |voter: u32, choices: &[u32]| {
        Request::ballot(&ballots, &population.token(voter), choices).send().status
    };
    assert_eq!((cast(0, &[1, 2, 3, 4]), cast(0, &[1, 2, 3])), (422, 202));
    site.text = campaign(-1, 4).replace("\"test\"", "\"extended\"");
    site.text = site.text.replace("ballot_max = 3", "ballot_max = 4");
    scratch.file("extended.toml", &site.text);
    let ran = site.topics(&[]);
    assert_eq!(ran.code, Some(64), "{ran:?}");
    assert!(ran.stderr.contains("weir topics --extend"), "{ran:?}");
    let ran = site.topics(&["--extend"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(ran.stderr.matches(": the new rules hold from offset ").count(), 4, "{ran:?}");
    eventually("the edge to take four choices", || {
        let status = cast(1, &[1, 2, 3, 4]);
        assert!([422, 202].contains(&status), "{status}");
        (status == 202).then_some(())
    });
    tally(&edge.url(), 2, 0);
    edge.stop();
    aggregate.stop();
}

pub(crate) fn several_campaigns_run_in_one_process(kafka: &testkit::Kafka, scratch: &Scratch) {
    let sites = ["one", "two"].map(|id| Site::founded(kafka, scratch, id));
    let both = |command| {
        let mut args = sites[0].args(command, &[]);
        args.extend(["--campaign", &sites[1].file]);
        args
    };
    let ran = crate::kit::weir(&both("ingest"));
    assert_eq!(ran.code, Some(64), "{ran:?}");
    assert!(ran.stderr.contains("--keys: every campaign has keys of its own"), "{ran:?}");

    let mut args = both("ingest");
    let keys = args.iter().position(|arg| *arg == "--keys").unwrap();
    let directory = scratch.path("");
    args[keys + 1] = &directory;
    let edge = Server::start(scratch, &args);
    let aggregate = Server::start(scratch, &both("aggregate"));
    for (site, voters) in sites.iter().zip([1, 2]) {
        let population = Population::new(&site.text, voters);
        let url = edge.url().replace("/one", &format!("/{}", site.id));
        for voter in 0..voters {
            let cast = Request::ballot(&format!("{url}/ballots"), &population.token(voter), &[1]);
            assert_eq!(cast.send().status, 202);
        }
        tally(&url, u64::from(voters), 0);
        tally(&aggregate.url().replace("/one", &format!("/{}", site.id)), u64::from(voters), 0);
    }
    edge.stop();
    aggregate.stop();
}
