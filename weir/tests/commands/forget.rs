//! `weir forget`: what it refuses, what it destroys, and what stays.

use crate::kit::{Request, Scratch, Up, campaign, tally, weir};

#[test]
fn nothing_is_forgotten_while_a_process_has_the_journal_or_the_campaign_may_get_ballots() {
    let scratch = Scratch::new();
    let file = scratch.file("test.toml", campaign(-1, 2));
    // As it was before an extension: over, by this file.
    let old = scratch.file("old.toml", campaign(-1, 0));
    let data = scratch.path("data");
    let up = Up::start(&scratch, &["--campaign", &file]);
    let forget = |file: &str, more: &[&str]| {
        let args = ["forget", "--data", &data, "--campaign", file, "--confirm", "test"];
        weir(&[&args, more].concat())
    };
    let running = forget(&old, &[]);
    assert_eq!(running.code, Some(69), "{running:?}");
    assert!(up.cast_as("ann", &file, &up.url()).status == 202, "it goes on");
    up.stop();
    for file in [&file, &old] {
        let open = forget(file, &[]);
        assert_eq!(open.code, Some(64), "{open:?}");
        assert!(open.stderr.contains("test is not over yet"), "{open:?}");
    }
    let other = ["--before-close", "--confirm", "another"];
    assert!(
        weir(&[&["forget", "--data", &data, "--campaign", &file], &other[..]].concat())
            .stderr
            .contains("--confirm another: the campaign is test")
    );
    assert!(std::fs::exists(scratch.path("data/test.keys.toml")).unwrap());
    assert_eq!(forget(&file, &["--before-close"]).code, Some(0));
    assert!(!std::fs::exists(scratch.path("data/test.keys.toml")).unwrap());
    assert!(forget(&file, &["--before-close"]).stderr.contains("there is nothing to forget"));
    let ran = weir(&["up", "--data", &data, "--campaign", &file]);
    assert!(ran.stderr.contains("test.keys.toml is gone"), "{ran:?}");
}

#[test]
fn a_campaign_that_is_over_keeps_its_result_and_takes_nobody_any_more() {
    let scratch = Scratch::new();
    let file = scratch.file("test.toml", campaign(-3, 0));
    let data = scratch.path("data");
    Up::start(&scratch, &["--campaign", &file]).stop();
    let ran = weir(&["forget", "--data", &data, "--campaign", &file, "--confirm", "test"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), ""), "{ran:?}");
    assert!(ran.stderr.contains("test is forgotten"), "{ran:?}");
    let up = Up::start(&scratch, &["--campaign", &file]);
    assert!(up.line("forgotten").contains("its result stays"));
    tally(&up.url(), 0, 0);
    assert_eq!(up.cast("any", &[1]).status, 404);
    let page = up.url().replace("/v1", "");
    assert_eq!(Request::get(&page).send().status, 302, "to the board");
    assert_eq!(Request::get(&format!("{page}/board")).send().status, 200);
    up.stop();
}
