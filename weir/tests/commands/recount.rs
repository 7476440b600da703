//! A recount gives the bytes that were served: of all, of a prefix, on any number of threads.

use serde_json::Value;

use crate::kit::{Request, Scratch, Up, campaign, eventually, weir, weir_with_input};

const VOTERS: u32 = 40;

fn tokens(scratch: &Scratch, campaign: &str, ids: impl Iterator<Item = u32>) -> Vec<String> {
    let ids: String = ids.map(|id| format!("voter {id}\n")).collect();
    let args = ["token", "--data", &scratch.path("data"), "--campaign", campaign];
    let ran = weir_with_input(&args, &ids);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    ran.stdout.lines().map(str::to_owned).collect()
}

#[test]
fn a_recount_equals_the_last_tally_that_was_served_and_each_prefix_of_it() {
    let scratch = Scratch::new();
    let file = scratch.file("c.toml", campaign(-1, 2));
    let up = Up::start(&scratch, &["--campaign", &file, "--partitions", "4"]);
    let cast = |token: &String, choices: &[u32]| {
        let cast = up.cast(token, choices);
        assert_eq!(cast.status, 202, "{:?}", String::from_utf8(cast.body));
    };
    let tokens = tokens(&scratch, &file, 0..VOTERS);
    let (first, rest) = tokens.split_at(10);
    first.iter().for_each(|token| cast(token, &[1, 5]));
    let early = up.tally(10, 0);
    rest.iter().for_each(|token| cast(token, &[2]));
    let last = up.tally(u64::from(VOTERS), 0);
    up.stop();

    let data = scratch.path("data");
    for threads in ["1", "4"] {
        let ran = weir(&["recount", "--data", &data, "--threads", threads]);
        assert_eq!(ran.code, Some(0), "{ran:?}");
        assert_eq!(ran.stdout.as_bytes(), last);
    }
    let saved = scratch.file("early.json", &early);
    let ran = weir(&["recount", "--data", &data, "--prefix", &saved]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(ran.stdout.as_bytes(), early);
    assert!(ran.stderr.contains("early.json byte for byte"), "{ran:?}");
    // What it printed is a prefix as well.
    let printed = scratch.file("printed.json", &ran.stdout);
    assert_eq!(weir(&["recount", "--data", &data, "--prefix", &printed]).code, Some(0));

    let changed = |change: &dyn Fn(&mut Value)| {
        let mut tally: Value = serde_json::from_slice(&early).unwrap();
        change(&mut tally);
        let saved = scratch.file("changed.json", tally.to_string());
        let ran = weir(&["recount", "--data", &data, "--prefix", &saved]);
        assert_eq!(ran.code, Some(1), "{ran:?}");
        ran.stderr
    };
    let told = changed(&|tally| tally["votes"][0] = 11.into());
    assert!(told.contains("votes differ"), "{told}");
    let told = changed(&|tally| tally["partitions"][3]["frontier"] = 1_000.into());
    assert!(told.contains("covers partition 3 up to 1000"), "{told}");
    let told = changed(&|tally| tally["journal"] = "00".into());
    assert!(told.contains("is of the journal 00"), "{told}");
    let wrong = weir(&["recount", "--data", &data, "--prefix", &file]);
    assert_eq!(wrong.code, Some(64), "{wrong:?}");
}

#[test]
fn a_recount_stops_where_a_final_tally_does() {
    let scratch = Scratch::new();
    let file = scratch.file("c.toml", campaign(-3, -1));
    let up = Up::start(&scratch, &["--campaign", &file, "--partitions", "2"]);
    assert!(up.stderr().contains("It is over: no more ballots are taken"), "{}", up.stderr());
    let request = Request::get(&format!("{}/tally", up.url()));
    let last = eventually("the tally to be final", || {
        let answer = request.send();
        (answer.json()["final"] == true).then_some(answer.body)
    });
    up.stop();
    let ran = weir(&["recount", "--data", &scratch.path("data")]);
    assert_eq!(ran.stdout.as_bytes(), last);
}

#[test]
fn a_directory_without_a_journal_is_not_recounted_and_nothing_is_made_in_it() {
    let scratch = Scratch::new();
    let file = scratch.file("c.toml", campaign(-1, 1));
    let data = scratch.path("");
    for args in [["recount", "--data", &data].as_slice(), &["recount", "--campaign", &file]] {
        let ran = weir(args);
        assert_eq!(ran.code, Some(64), "{ran:?}");
        assert!(ran.stderr.contains("there is no journal"), "{ran:?}");
    }
    assert_eq!(std::fs::read_dir(&data).unwrap().count(), 1);
}
