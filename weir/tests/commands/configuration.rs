//! What is wrong with a configuration is told by file, line and field, before a port opens; a
//! difference to the journal is told by name; an extension is no difference once it is written.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::Value;

use crate::kit::{DAY_MS, Ran, Request, Scratch, Up, campaign, now_ms, weir};

fn refused(scratch: &Scratch, campaign: &str) -> Ran {
    let data = scratch.path("data");
    let ports = ["--listen", "127.0.0.1:0", "--ops-listen", "127.0.0.1:0"];
    let ran = weir(&[["up", "--data", &data, "--campaign", campaign].as_slice(), &ports].concat());
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(64), ""), "{ran:?}");
    assert!(!ran.stderr.contains("http://"), "{ran:?}");
    ran
}

#[test]
fn every_problem_of_a_campaign_file_is_told_with_its_line() {
    let scratch = Scratch::new();
    let text =
        campaign(-1, 2).replace("\"UTC\"", "\"Mars/Olympus\"").replace("max = 3\n", "max = 30\n");
    let file = scratch.file("c.toml", text);
    let ran = refused(&scratch, &file);
    assert!(ran.stderr.contains(&format!("{file}: line 3: zone: ")), "{ran:?}");
    assert!(ran.stderr.contains(&format!("{file}: line 6: choices_per_ballot_max: ")), "{ran:?}");
    let ran = refused(&scratch, &scratch.path("none.toml"));
    assert!(ran.stderr.contains("none.toml: cannot be read"), "{ran:?}");
    assert!(!fs::exists(scratch.path("data")).unwrap());
}

#[test]
fn other_rules_another_key_and_lost_keys_are_refused_by_name() {
    let scratch = Scratch::new();
    let file = scratch.file("c.toml", campaign(-1, 2));
    Up::start(&scratch, &["--campaign", &file, "--partitions", "2"]).stop();
    let keys = scratch.path("data/test.keys.toml");
    assert_eq!(fs::metadata(&keys).unwrap().permissions().mode() & 0o777, 0o600);

    let edited = scratch.file("e.toml", campaign(-1, 2).replace("max = 3\n", "max = 4\n"));
    let ran = refused(&scratch, &edited);
    let difference = "choices_per_ballot_max differs: configured is 4, the log has 3";
    assert!(ran.stderr.contains(difference), "{ran:?}");
    let compared = weir(&["topics", "--data", &scratch.path("data"), "--campaign", &edited]);
    assert_eq!(compared.code, Some(64));
    assert!(compared.stderr.contains(difference), "{compared:?}");

    let kept = fs::read_to_string(&keys).unwrap();
    let (before, after) = kept.split_once("pseudonym_key = \"").unwrap();
    let other = format!("{before}pseudonym_key = \"{}{}", "ab".repeat(32), &after[64..]);
    fs::write(&keys, other).unwrap();
    let ran = refused(&scratch, &file);
    assert!(ran.stderr.contains("pseudonym key differs"), "{ran:?}");
    fs::write(&keys, "pseudonym_key = 7").unwrap();
    let ran = refused(&scratch, &file);
    assert!(ran.stderr.contains("test.keys.toml: pseudonym_key: give 64 hex"), "{ran:?}");
    fs::remove_file(&keys).unwrap();
    let ran = refused(&scratch, &file);
    assert!(ran.stderr.contains("test.keys.toml is gone"), "{ran:?}");
    assert!(!fs::exists(&keys).unwrap());

    fs::write(&keys, kept).unwrap();
    Up::start(&scratch, &["--campaign", &file]).stop();
}

#[test]
fn an_extension_is_refused_until_it_is_in_the_journal_and_served_from_then_on() {
    let scratch = Scratch::new();
    let file = scratch.file("c.toml", campaign(-1, 2));
    let up = Up::start(&scratch, &["--campaign", &file, "--partitions", "2"]);
    assert_eq!(up.cast_as("ann", &file, &up.url()).status, 202);
    up.tally(1, 0);
    up.stop();

    let data = scratch.path("data");
    scratch.file("c.toml", campaign(-1, 4));
    let ran = refused(&scratch, &file);
    assert!(ran.stderr.contains("opens_at, closes_at or zone differs"), "{ran:?}");
    assert!(ran.stderr.contains("weir topics --extend"), "{ran:?}");
    let topics = ["topics", "--data", &data, "--campaign", &file];
    assert_eq!(weir(&topics).code, Some(64));
    let extend = [topics.as_slice(), &["--extend"]].concat();
    let ran = weir(&extend);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(ran.stderr.matches(": the new rules hold from offset ").count(), 2, "{ran:?}");
    let ran = weir(&extend);
    assert_eq!(ran.stderr, "test: all 2 partitions have these rules\n");
    assert_eq!(weir(&topics).code, Some(0));

    let up = Up::start(&scratch, &["--campaign", &file]);
    assert_eq!(up.cast_as("ann", &file, &up.url()).status, 202);
    let tally: Value = serde_json::from_slice(&up.tally(1, 1)).unwrap();
    assert_eq!(tally["days"].as_array().unwrap().len(), 5);
    let closes = ballot::local_date("UTC", now_ms() + 4 * DAY_MS).unwrap();
    let served = Request::get(&up.url()).send().json();
    assert!(served.to_string().contains(&format!("{closes}T00:00:00")), "{served}");
    up.stop();

    scratch.file("c.toml", campaign(-1, 2));
    let ran = weir(&extend);
    assert_eq!(ran.code, Some(64), "{ran:?}");
    assert!(ran.stderr.contains("an extension can only move the end"), "{ran:?}");
}
