//! `weir up` from its first ballot to its end, and through a kill.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::Command;

use crate::kit::{Request, Scratch, Up, campaign, eventually, weir};

#[test]
fn the_printed_commands_vote_and_show_the_vote_also_after_a_kill() {
    let scratch = Scratch::new();
    let mut up = Up::start(&scratch, &[]);
    let vote = up.line("/ballots");
    let cast = Request::of_curl(&vote).send();
    assert_eq!(cast.status, 202, "{:?}", String::from_utf8(cast.body));
    up.tally(1, 0);
    let curl = Command::new("sh").args(["-c", &vote]).output().unwrap();
    if curl.status.success() {
        assert_eq!(curl.stdout, cast.body, "the same ballot has the same receipt");
    } else {
        assert_eq!(curl.status.code(), Some(127), "{curl:?}");
    }
    up.signal("KILL");
    assert_eq!(up.ended(), None);

    let up = Up::start(&scratch, &[]);
    assert!(up.line("voting days are").starts_with("hubei-2023 was moved to start on "));
    up.tally(1, 0);
    // This edge remembers nothing: the fold finds the duplicate.
    assert_eq!(Request::of_curl(&up.line("/ballots")).send().status, 202);
    let tally = up.tally(1, 1);
    let shown = Request::of_curl(&up.line("curl -sS http")).send();
    assert_eq!(shown.body, tally);
    up.stop();
}

#[test]
fn a_second_process_on_the_same_data_hears_who_has_it() {
    let scratch = Scratch::new();
    let up = Up::start(&scratch, &[]);
    let data = scratch.path("data");
    for command in ["up", "recount", "topics"] {
        let refused = weir(&[command, "--data", &data]);
        assert_eq!(refused.code, Some(69), "{refused:?}");
        assert!(refused.stderr.contains(&format!("process {} has held", up.pid())), "{refused:?}");
    }
    up.stop();
}

#[test]
fn a_port_in_use_is_named_before_anything_runs() {
    let scratch = Scratch::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let data = scratch.path("data");
    for (flag, other) in [("--listen", "--ops-listen"), ("--ops-listen", "--listen")] {
        let refused = weir(&["--data", &data, flag, &address, other, "127.0.0.1:0"]);
        assert_eq!(refused.code, Some(64), "{refused:?}");
        let sentence = format!("weir: {flag} {address}: another process listens there; give");
        assert!(refused.stderr.contains(&sentence), "{refused:?}");
    }
}

#[test]
fn a_second_signal_ends_it_at_once_with_75() {
    let scratch = Scratch::new();
    let mut up = Up::start(&scratch, &[]);
    // A request in flight that does not finish: its body is announced and does not come.
    let url = up.url();
    let (host, path) = url.strip_prefix("http://").unwrap().split_once('/').unwrap();
    let mut stuck = TcpStream::connect(host).unwrap();
    let vote = up.line("/ballots");
    let authorization = vote.split('\'').nth(1).unwrap();
    let head = format!(
        "POST /{path}/ballots HTTP/1.1\r\nHost: {host}\r\n{authorization}\r\n\
         Content-Type: application/json\r\nExpect: 100-continue\r\nContent-Length: 20\r\n\r\n"
    );
    stuck.write_all(head.as_bytes()).unwrap();
    // The server asks for the body: the request has its handler.
    let mut heard = [0; 12];
    stuck.read_exact(&mut heard).unwrap();
    assert_eq!(&heard, b"HTTP/1.1 100");
    up.signal("TERM");
    eventually("the drain to begin", || up.stderr().contains("ending: ").then_some(()));
    up.signal("INT");
    assert_eq!(up.ended(), Some(75), "{}", up.stderr());
    assert!(up.stderr().contains("a second signal came"), "{}", up.stderr());
}

#[test]
fn several_campaigns_run_in_one_process() {
    let scratch = Scratch::new();
    let one = scratch.file("one.toml", campaign(-1, 2));
    let two = scratch.file("two.toml", campaign(-1, 2).replace("\"test\"", "\"other\""));
    let up = Up::start(&scratch, &["--campaign", &one, "--campaign", &two]);
    let stderr = up.stderr();
    let urls = stderr.lines().filter_map(|line| line.trim().strip_prefix("campaign "));
    for (url, file) in urls.map(str::trim).zip([&one, &two]) {
        assert_eq!(up.cast_as("ann", file, url).status, 202);
    }
    // The token of a real campaign is nobody's to read in a log.
    assert_eq!(stderr.matches("$(weir token --campaign FILE --data ").count(), 2, "{stderr}");
    up.tally(1, 0);
    up.stop();
    let data = scratch.path("data");
    let refused = weir(&["recount", "--data", &data]);
    assert_eq!(refused.code, Some(64));
    assert!(refused.stderr.contains("several campaigns (other, test)"), "{refused:?}");
    let recounted = weir(&["recount", "--data", &data, "--campaign", &two]);
    assert!(recounted.stdout.starts_with("{\"campaign\":\"other\","), "{recounted:?}");
    let refused = weir(&["up", "--data", &data, "--campaign", &one, "--campaign", &one]);
    assert!(refused.stderr.contains("two files have the id test"), "{refused:?}");
}
