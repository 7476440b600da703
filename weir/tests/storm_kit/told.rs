//! What the load and the watcher make of what an edge tells them: a pretended edge that answers by
//! a script, one answer after the other.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use ballot::{ChoiceSet, Receipt};

use crate::kit::{campaign, eventually};
use crate::storm::{Fate, Load, Plan, Population, Watcher};

/// Answers that are still to be given, the next one last; the last of all is repeated.
type Script = Arc<Mutex<Vec<(u16, String)>>>;

/// An edge that answers so; its campaign URL and what is left of its script.
fn edge(answers: &[(u16, String)]) -> (String, Script) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/v1/campaigns/test", listener.local_addr().unwrap());
    let script: Script = Arc::new(Mutex::new(answers.iter().rev().cloned().collect()));
    let shared = Arc::clone(&script);
    // Ends with the test's process, as do those that serve connections.
    thread::spawn(move || {
        for stream in listener.incoming() {
            let script = Arc::clone(&shared);
            thread::spawn(move || serve(stream.unwrap(), &script));
        }
    });
    (url, script)
}

/// Answers requests until the peer goes or a status of 0 says to hang up.
fn serve(mut stream: TcpStream, script: &Script) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    loop {
        let (mut line, mut length) = (String::new(), 0);
        while line != "\r\n" {
            line.clear();
            if reader.read_line(&mut line).is_ok_and(|read| read == 0) {
                return;
            }
            if let Some(value) = line.strip_prefix("Content-Length: ") {
                length = value.trim().parse().unwrap();
            }
        }
        reader.read_exact(&mut vec![0; length]).unwrap();
        let (status, body) = {
            let mut script = script.lock().unwrap();
            if script.len() > 1 { script.pop().unwrap() } else { script[0].clone() }
        };
        if status == 0 {
            return;
        }
        let length = body.len();
        let answer = format!("HTTP/1.1 {status} x\r\ncontent-length: {length}\r\n\r\n{body}");
        stream.write_all(answer.as_bytes()).unwrap();
    }
}

fn tally(frontier: u64, ballots: u64) -> (u16, String) {
    let body = format!(
        "{{\"ballots\":{ballots},\"final\":false,\"votes\":[{ballots}],\"days\":[],\
         \"partitions\":[{{\"partition\":0,\"frontier\":{frontier},\"final\":false}}]}}"
    );
    (200, body)
}

/// Waits until the edge's last answer is the one that is repeated.
fn read(script: &Script) {
    eventually("the script to be read", || (script.lock().unwrap().len() == 1).then_some(()));
}

#[test]
#[should_panic(expected = "frontier of partition 0 was 7 and is Some(6)")]
fn a_frontier_that_falls_within_a_process_is_told() {
    let (url, script) = edge(&[tally(5, 1), tally(7, 2), tally(6, 2), tally(7, 2)]);
    let watcher = Watcher::start(&url);
    read(&script);
    watcher.finish();
}

#[test]
#[should_panic(expected = "ballots was 2 and is Some(1)")]
fn a_count_that_falls_is_told() {
    let (url, script) = edge(&[tally(5, 2), tally(6, 1), tally(7, 2)]);
    let watcher = Watcher::start(&url);
    read(&script);
    watcher.finish();
}

#[test]
fn a_new_process_may_begin_lower_if_it_gets_there() {
    let (first, script) = edge(&[tally(5, 1), tally(7, 2)]);
    let watcher = Watcher::start(&first);
    read(&script);
    eventually("the first edge to be seen", || (watcher.documents() > 1).then_some(()));
    watcher.ended();
    let (second, script) = edge(&[(503, String::new()), tally(6, 1), tally(7, 2)]);
    watcher.restarted(&second);
    read(&script);
    let watched = watcher.finish();
    assert_eq!((watched.began_lower, watched.others.get(&503)), (1, Some(&1)), "{watched}");
}

#[test]
#[should_panic(expected = "what was seen was never reached again")]
fn a_new_process_that_never_gets_there_is_told() {
    let (first, _) = edge(&[tally(7, 2)]);
    let watcher = Watcher::start(&first);
    eventually("the first edge to be seen", || (watcher.documents() > 0).then_some(()));
    watcher.ended();
    let (second, script) = edge(&[tally(5, 1), tally(6, 2)]);
    watcher.restarted(&second);
    read(&script);
    watcher.finish();
}

#[test]
fn a_cast_is_sent_again_until_it_is_settled_and_each_fate_is_noted() {
    let problem = |status, code: &str| (status, format!("{{\"code\":\"{code}\"}}"));
    let (url, script) = edge(&[
        problem(503, "overloaded"),
        problem(503, "journal_unavailable"),
        (0, String::new()),
        (202, "{\"receipt\":\"0-3-1\",\"day\":\"2026-01-01\"}".to_owned()),
        problem(418, "teapot"),
    ]);
    let population = Arc::new(Population::new(&campaign(-1, 2), 1));
    // So slow that the only voter's retries fall between the first cast and the next.
    let load = Load::start(&population, &[url], Plan { rate_per_s: 5, threads: 1, seed: 1 });
    eventually("the first voter", || (load.voters() > 0).then_some(()));
    let notes = load.finish(Duration::from_secs(20));
    read(&script);
    assert_eq!((notes.unsettled, notes.unanswered, notes.retries), (0, 1, 3), "{notes}");
    let sent: Vec<ChoiceSet> = notes.voters[&0].iter().map(|attempt| attempt.choices).collect();
    assert!(sent.iter().all(|choices| *choices == sent[0]), "the same choices each time");
    let fates: Vec<Fate> = notes.voters[&0].iter().map(|attempt| attempt.fate).collect();
    let receipt = Receipt { partition: 0, offset: 3, index: 1 };
    let day = "2026-01-01".parse().unwrap();
    let expected =
        [Fate::Refused(503), Fate::InDoubt, Fate::InDoubt, Fate::Acknowledged { receipt, day }];
    assert_eq!(fates, expected);
}
