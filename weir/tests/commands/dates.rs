//! When a campaign is: as dated, or moved to start today, and kept so in its data directory.

use std::fs;

use crate::kit::{Scratch, Up, campaign, now_ms, weir};

#[test]
fn the_built_in_campaign_starts_today_unless_it_is_to_be_as_dated() {
    let scratch = Scratch::new();
    let up = Up::start(&scratch, &["--as-dated"]);
    let first = up.line("voting days are");
    assert!(first.starts_with("hubei-2023 has the dates of its file: "), "{first}");
    assert!(first.contains("2023-12-18 to 2023-12-24, Asia/Shanghai. It is over"), "{first}");
    assert!(!up.stderr().contains("/ballots"), "{}", up.stderr());
    up.stop();
    // And it stays as dated.
    let up = Up::start(&scratch, &[]);
    assert!(up.line("voting days are").starts_with("hubei-2023 has the dates of its file"));
    up.stop();
    let data = scratch.path("data");
    let ran = weir(&["--data", &data, "--from-today"]);
    assert_eq!(ran.code, Some(64));
    assert!(ran.stderr.contains("--from-today: the journal in the data directory"), "{ran:?}");
}

#[test]
fn a_moved_window_that_has_ended_says_how_to_start_anew() {
    let scratch = Scratch::new();
    fs::create_dir(scratch.path("data")).unwrap();
    scratch.file("data/hubei-2023.setup.toml", "starts_on = \"2024-02-01\"\n");
    let up = Up::start(&scratch, &[]);
    let first = up.line("voting days are");
    assert!(first.starts_with("hubei-2023 was moved to start on 2024-02-01"), "{first}");
    assert!(first.ends_with("to start anew, give another directory with --data."), "{first}");
    up.stop();
}

#[test]
fn a_campaign_file_keeps_its_dates_unless_it_is_to_start_today() {
    let scratch = Scratch::new();
    let file = scratch.file("c.toml", campaign(10, 12));
    let up = Up::start(&scratch, &["--campaign", &file, "--from-today"]);
    let today = ballot::local_date("UTC", now_ms()).unwrap();
    let first = up.line("voting days are");
    assert!(first.starts_with("test was moved to start today"), "{first}");
    assert!(first.contains(&format!("voting days are {today} to ")), "{first}");
    up.stop();
    let other = Scratch::new();
    let up = Up::start(&other, &["--campaign", &file]);
    assert!(up.line("voting days are").ends_with("It has not opened yet."));
    up.stop();
}
