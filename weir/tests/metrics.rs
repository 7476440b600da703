//! What `weir up` exports, against the table in `docs/metrics.md` and against what happened.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test says where it fails by panicking")]

mod exposition;
mod kit;

use ballot::Campaign;
use exposition::{Exposition, as_documented};
use kit::{Request, Scratch, Up, campaign, now_ms, weir};

#[test]
fn weir_up_exports_exactly_what_the_table_says_and_says_what_happened() {
    let scratch = Scratch::new();
    let text = campaign(-1, 2);
    let file = scratch.file("test.toml", &text);
    let up = Up::start(&scratch, &["--campaign", &file]);
    let wheres = ["both", "edge", "counting", "everything"];
    let asked = ["token", "--data", &scratch.path("data"), "--campaign", &file, "ann"];
    let token = weir(&asked).stdout.trim().to_owned();
    let answer = up.cast(&token, &[1, 2]);
    let receipt = answer.json()["receipt"].as_str().unwrap().to_owned();
    assert_eq!(up.cast(&token, &[3]).status, 409);
    assert_eq!(up.cast("nobody", &[3]).status, 401);
    let elsewhere = up.url().replace("/test", "/other");
    assert_eq!(Request::get(&elsewhere).send().status, 404);
    up.tally(1, 0);

    let shown = as_documented(&up, &wheres, false);
    shown.keeps_to_itself(&[&token, &receipt, "ann", "127.0.0.1", "/"]);
    requests(&shown);
    process(&shown, &Campaign::parse(&text).unwrap());
    up.stop();
}

fn requests(shown: &Exposition) {
    for (campaign, route, outcome) in [
        ("test", "ballots", "accepted"),
        ("test", "ballots", "already_voted"),
        ("test", "ballots", "unauthenticated"),
        ("", "campaign", "unknown_campaign"),
    ] {
        let labels = [("campaign", campaign), ("route", route), ("outcome", outcome)];
        assert_eq!(shown.sum("weir_requests_total", &labels), 1.0, "{labels:?}");
    }
    for (result, times) in [("ok", 1.0), ("refused", 2.0), ("failed", 0.0)] {
        let labels = [("route", "ballots"), ("result", result)];
        assert_eq!(shown.sum("weir_request_duration_seconds_count", &labels), times, "{result}");
    }
    for once in ["batch_ballots", "batch_wait_seconds", "append_duration_seconds"] {
        assert_eq!(shown.sum(&format!("weir_{once}_count"), &[("campaign", "test")]), 1.0);
    }
}

fn process(shown: &Exposition, campaign: &Campaign) {
    let seconds = |ms: i64| f64::from(i32::try_from(ms / 1_000).unwrap());
    let (now, one) = (seconds(now_ms()), |name: &str| shown.sum(name, &[]));
    assert_eq!(shown.sum("weir_build_info", &[("role", "everything")]), 1.0);
    assert_eq!(one("weir_ready"), 1.0);
    assert_eq!(one("weir_campaign_opens_timestamp_seconds"), seconds(campaign.opens_at_ms));
    assert_eq!(one("weir_campaign_closes_timestamp_seconds"), seconds(campaign.closes_at_ms));
    // The embedded journal's clock is this machine's.
    assert!(one("weir_clock_offset_seconds").abs() < 2.0);
    for moment in ["process_start_time_seconds", "weir_last_durable_append_timestamp_seconds"] {
        assert!((one(moment) - now).abs() < 120.0, "{moment} is {}", one(moment));
    }
    assert!(one("weir_disk_free_bytes") > 0.0);
    assert!(one("weir_disk_free_bytes") <= one("weir_disk_size_bytes"));
    assert!(one("process_threads") > 1.0);
}
