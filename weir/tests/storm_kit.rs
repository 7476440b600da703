//! The load and proof kit, tried out: on a `weir up` that nothing happens to, where the proof must
//! hold, and on doctored logs, documents and notes, where it must say what is wrong.
//!
//! The documents here come from the fold itself, so the model and the fold also check each other.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test says where it fails by panicking")]

mod kit;
mod storm;

#[path = "storm_kit/doctored.rs"]
mod doctored;
#[path = "storm_kit/heads.rs"]
mod heads;
#[path = "storm_kit/told.rs"]
mod told;

use std::sync::Arc;
use std::time::Duration;

use journal::{Embedded, EmbeddedOptions, Journal as _};
use kit::{Scratch, Up, campaign, eventually, weir};
use serde_json::Value;
use storm::{Load, Plan, Population, Proof, Watcher, head_of_records, read_all};

const PARTITIONS: u32 = 4;

/// Some 5 s at the rate below.
const REQUESTS: u64 = 10_000;

#[test]
fn the_proof_holds_for_a_load_on_one_process_that_is_started_again() {
    let scratch = Scratch::new();
    let text = campaign(-1, 2).replace("day_max = 10000", "day_max = 100000");
    let file = scratch.file("campaign.toml", &text);
    let keys = scratch.file("keys.toml", Population::keys_toml());
    let partitions = PARTITIONS.to_string();
    let args = ["--campaign", &file, "--keys", &keys, "--partitions", &partitions];
    let mut up = Up::start(&scratch, &args);
    let population = Arc::new(Population::new(&text, 100_000));
    // Twice the same edge, so that there is another to repeat on.
    let plan = Plan { rate_per_s: 2_000, threads: 32, seed: 7 };
    let load = Load::start(&population, &[up.url(), up.url()], plan);
    let watcher = Watcher::start(&up.url());

    eventually("half the load", || (load.acknowledged() > REQUESTS / 2).then_some(()));
    load.take_gaps();
    up.signal("KILL");
    assert_eq!(up.ended(), None, "it was killed");
    watcher.ended();
    up = Up::start(&scratch, &args);
    (0..2).for_each(|edge| load.move_edge(edge, &up.url()));
    watcher.restarted(&up.url());
    eventually("all of the load", || (load.acknowledged() > REQUESTS).then_some(()));
    let pause = load.take_gaps();
    let notes = load.finish(Duration::from_secs(30));
    assert_eq!(notes.unsettled, 0, "{notes}");
    assert!(!pause.anyone.is_zero() && notes.gaps.anyone >= pause.anyone, "{pause:?} {notes}");
    up.stop();
    let watched = watcher.finish();

    let data = scratch.path("data");
    let recount = weir(&["recount", "--data", &data]);
    assert_eq!(recount.code, Some(0), "{recount:?}");
    let document: Value = serde_json::from_str(&recount.stdout).unwrap();
    let journal = Embedded::open(&EmbeddedOptions::existing(&data, "test")).unwrap();
    let rules = population.rules(journal.identity(), PARTITIONS);
    let records = read_all(&journal);
    let proof = Proof {
        population: &population,
        rules: &rules,
        records: &records,
        notes: &notes,
        document: &document,
    };
    let summary = proof.hold();
    for (records, partition) in records.iter().zip(document["partitions"].as_array().unwrap()) {
        assert_eq!(partition["digest"], head_of_records(records));
    }
    println!("{notes}\n{watched}\n{summary}");
    assert!(summary.duplicates > 0 && summary.counted > REQUESTS / 2, "{summary}");
    assert_eq!((summary.late, summary.surplus), (0, 0), "{summary}");
}
