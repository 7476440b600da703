//! `weir up` under load, killed with -9 and started again, many times over: every acknowledged
//! ballot has one outcome, every voter counts once, nobody sees a result go back, and the recount
//! makes the same bytes.
//!
//! The proof uses what the public has: answers, receipts and the tally.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test says where it fails by panicking")]

mod kit;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, RwLock};
use std::thread;
use std::time::Duration;

use journal::simulated::Random;
use kit::{Answer, Request, Scratch, Up, campaign, eventually, weir, weir_with_input};
use serde_json::Value;

const VOTERS: usize = 12_000;
const CLIENTS: usize = 12;
const KILLS: usize = 30;

/// What one voter did and was told.
#[derive(Debug, Default, Clone)]
struct Voter {
    /// Every choice set that was sent, whatever came of it.
    sent: Vec<Vec<u32>>,
    /// Receipts of 202s.
    receipts: Vec<String>,
}

/// What clients share.
struct Load {
    tokens: Vec<String>,
    /// The campaign's URL; changes with every restart.
    url: RwLock<String>,
    voters: Vec<Mutex<Voter>>,
    next: AtomicUsize,
    unanswered: AtomicUsize,
    done: AtomicBool,
}

impl Load {
    fn send(&self, voter: usize, choices: &[u32]) -> Option<Answer> {
        let url = self.url.read().unwrap().clone();
        self.voters[voter].lock().unwrap().sent.push(choices.to_vec());
        Request::ballot(&format!("{url}/ballots"), &self.tokens[voter], choices).try_send()
    }

    /// Casts until acknowledged, the same choices again as long as the fate is open.
    fn cast(&self, voter: usize, choices: &[u32]) {
        eventually("an acknowledgement", || match self.send(voter, choices) {
            Some(answer) if answer.status == 202 => {
                let receipt = answer.json()["receipt"].as_str().unwrap().to_owned();
                self.voters[voter].lock().unwrap().receipts.push(receipt);
                Some(())
            }
            // Others were acknowledged before: this voter has voted.
            Some(answer) if answer.status == 409 => Some(()),
            Some(answer) => {
                assert_eq!(answer.status, 503, "{}", String::from_utf8_lossy(&answer.body));
                None
            }
            None => {
                self.unanswered.fetch_add(1, Ordering::Relaxed);
                None
            }
        });
    }

    /// One client: voters one after the other, one in five of them again, before and after.
    fn client(&self, seed: u64) {
        let mut random = Random::new(seed);
        let some = |random: &mut Random| -> Vec<u32> {
            let first = 1 + u32::try_from(random.below(5)).unwrap();
            if random.chance(500) { vec![first] } else { vec![first, first % 5 + 1] }
        };
        loop {
            let voter = self.next.fetch_add(1, Ordering::Relaxed);
            if voter >= VOTERS {
                return;
            }
            let choices = some(&mut random);
            self.cast(voter, &choices);
            if random.chance(100) {
                self.cast(voter, &choices);
            }
            if random.chance(100) {
                let earlier = random.index(voter + 1);
                self.cast(earlier, &some(&mut random));
            }
        }
    }

    /// Somebody who watches the result the whole time, over all restarts.
    fn watch(&self) {
        let mut before = None;
        while !self.done.load(Ordering::SeqCst) {
            let url = self.url.read().unwrap().clone();
            let answer = Request::get(&format!("{url}/tally")).try_send();
            if let Some(now) = answer.filter(|answer| answer.status == 200).map(|a| a.json()) {
                if let Some(before) = &before {
                    assert_not_back(before, &now);
                }
                before = Some(now);
            }
            thread::park_timeout(Duration::from_millis(25));
        }
        assert!(before.is_some(), "no result was seen");
    }
}

fn assert_not_back(before: &Value, now: &Value) {
    let frontiers = |tally: &Value| -> Vec<u64> {
        let partitions = tally["partitions"].as_array().unwrap();
        partitions.iter().map(|partition| partition["frontier"].as_u64().unwrap()).collect()
    };
    let fell = frontiers(before).iter().zip(frontiers(now)).any(|(was, is)| is < *was);
    assert!(!fell, "a result went back: {before} {now}");
    assert!(before["ballots"].as_u64() <= now["ballots"].as_u64(), "{before} {now}");
}

#[test]
fn nothing_acknowledged_is_lost_or_counted_twice_over_many_kills() {
    let scratch = Scratch::new();
    let file = scratch.file("campaign.toml", campaign(-1, 2));
    let args = ["--campaign", file.as_str()];
    let mut up = Up::start(&scratch, &args);
    let ids: String = (0..VOTERS).map(|voter| format!("voter-{voter}\n")).collect();
    let data = scratch.path("data");
    let minted = weir_with_input(&["token", "--data", &data, "--campaign", &file], &ids);
    let load = Load {
        tokens: minted.stdout.lines().map(str::to_owned).collect(),
        url: RwLock::new(up.url()),
        voters: std::iter::repeat_with(Mutex::default).take(VOTERS).collect(),
        next: AtomicUsize::new(0),
        unanswered: AtomicUsize::new(0),
        done: AtomicBool::new(false),
    };
    assert_eq!(load.tokens.len(), VOTERS);

    thread::scope(|scope| {
        scope.spawn(|| load.watch());
        let clients: Vec<_> = (0..CLIENTS)
            .map(|client| {
                let load = &load;
                scope.spawn(move || load.client(client as u64))
            })
            .collect();
        for kill in 1..=KILLS {
            // Kills are spread over the load, not over time: a slow machine kills as often.
            let due = VOTERS * kill / (KILLS + 1);
            eventually("more ballots", || (load.next.load(Ordering::SeqCst) >= due).then_some(()));
            up.signal("KILL");
            assert_eq!(up.ended(), None, "it was killed");
            up = Up::start(&scratch, &args);
            *load.url.write().unwrap() = up.url();
        }
        clients.into_iter().for_each(|client| client.join().unwrap());
        load.done.store(true, Ordering::SeqCst);
    });

    let counted = counted(&load);
    let tally_url = format!("{}/tally", up.url());
    let live = eventually("every ballot to be counted", || {
        let answer = Request::get(&tally_url).send();
        (answer.json()["ballots"] == VOTERS).then_some(answer.body)
    });
    let live: Value = serde_json::from_slice(&live).unwrap();
    for (choice, votes) in (1..).zip(live["votes"].as_array().unwrap()) {
        let expected = counted.values().filter(|choices| choices.contains(&choice)).count();
        assert_eq!(*votes, expected, "votes of choice {choice}");
    }
    up.stop();
    let recount = weir(&["recount", "--data", &data]).stdout;
    let recount: Value = serde_json::from_str(&recount).unwrap();
    assert_eq!(recount["votes"], live["votes"]);
    assert_eq!((&recount["ballots"], &recount["outcomes"]), (&live["ballots"], &live["outcomes"]));
    let receipts: usize = load.voters.iter().map(|v| v.lock().unwrap().receipts.len()).sum();
    println!(
        "{VOTERS} voters, {receipts} acknowledgements, {KILLS} kills, {} unanswered, outcomes {}",
        load.unanswered.load(Ordering::Relaxed),
        live["outcomes"]
    );
}

/// The choices that counted for each voter, as every one of their receipts says.
fn counted(load: &Load) -> BTreeMap<usize, Vec<u32>> {
    let url = load.url.read().unwrap().replace("/campaigns/", "/receipts/");
    let ask = |voter: usize, receipt: &str| -> Value {
        let mut request = Request::get(&format!("{url}/{receipt}?outcome"));
        request.authorize(&load.tokens[voter]);
        eventually("an outcome", || {
            let answer = request.send();
            assert!([200, 429].contains(&answer.status), "{receipt}: {}", answer.status);
            let reached = answer.status == 200 && answer.json()["outcome"] != "pending";
            reached.then(|| answer.json())
        })
    };
    let mut counted = BTreeMap::new();
    for (voter, told) in load.voters.iter().enumerate() {
        let Voter { sent, receipts } = told.lock().unwrap().clone();
        assert!(!receipts.is_empty(), "voter {voter} was never acknowledged");
        for receipt in &receipts {
            let answer = ask(voter, receipt);
            let choices = match answer["outcome"].as_str().unwrap() {
                "counted" => &answer["choices"],
                "duplicate" => &answer["counted"]["choices"],
                other => panic!("{receipt} is {other}"),
            };
            let choices: Vec<u32> = serde_json::from_value(choices.clone()).unwrap();
            let was_sent = sent.iter().any(|sent| same(sent, &choices));
            assert!(was_sent, "voter {voter} never sent {choices:?}");
            let first = counted.entry(voter).or_insert_with(|| choices.clone());
            assert_eq!(*first, choices, "two ballots of voter {voter} count");
        }
    }
    counted
}

fn same(a: &[u32], b: &[u32]) -> bool {
    let sorted = |choices: &[u32]| {
        let mut choices = choices.to_vec();
        choices.sort_unstable();
        choices
    };
    sorted(a) == sorted(b)
}
