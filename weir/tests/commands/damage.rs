//! A journal's file that is damaged: each command says so in one sentence, and leaves it as it is.

use std::fs;

use crate::kit::{Scratch, Server, Up, campaign, weir};

const PAGE: usize = 4_096;
/// A byte in each of the header's two commit slots.
const SLOTS: [usize; 2] = [84, 212];

/// The commands that open a journal in a file and end, and what else they want to hear.
const COMMANDS: [(&str, &[&str]); 3] =
    [("recount", &[]), ("topics", &[]), ("forget", &["--confirm", "test"])];

/// A campaign in which a voter votes, for the second time if the process is then killed.
fn voted(scratch: &Scratch, file: &str, killed: bool) -> (String, Vec<u8>) {
    let mut up = Up::start(scratch, &["--campaign", file, "--partitions", "2"]);
    assert_eq!(up.cast_as("ann", file, &up.url()).status, 202);
    up.tally(1, u64::from(killed));
    if killed {
        up.signal("KILL");
        assert_eq!(up.ended(), None, "it was killed");
    } else {
        up.stop();
    }
    let journal = scratch.path("data/test.redb");
    let whole = fs::read(&journal).unwrap();
    (journal, whole)
}

/// What may become of a file. One that was closed says how long it was; of one that was not, an
/// empty page may be missing at its end, and nothing is missing then.
fn damaged(whole: &[u8], killed: bool) -> Vec<(&'static str, Vec<u8>)> {
    let changed = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut file = whole.to_vec();
        change(&mut file);
        file
    };
    let pages = if killed { 5 } else { whole.len() / PAGE - 1 };
    vec![
        ("nothing of it", Vec::new()),
        ("half of it", whole[..whole.len() / 2 + 100].to_vec()),
        ("some pages of it", whole[..pages * PAGE].to_vec()),
        ("flipped bits in its header", changed(&|file| SLOTS.iter().for_each(|at| file[*at] ^= 4))),
        ("its header alone", changed(&|file| file[PAGE..].fill(0))),
        ("something else", b"this is no database\n".repeat(900)),
    ]
}

#[test]
fn every_command_refuses_a_damaged_journal_in_a_sentence_and_makes_none_anew() {
    let scratch = Scratch::new();
    let file = scratch.file("c.toml", campaign(-1, 2));
    let data = scratch.path("data");
    for killed in [false, true] {
        let (journal, whole) = voted(&scratch, &file, killed);
        for (what, bytes) in damaged(&whole, killed) {
            fs::write(&journal, &bytes).unwrap();
            let is_told = |command: &str, (code, said): (Option<i32>, &str)| {
                let told = format!("weir: {journal} is damaged or was cut off (");
                let mut lines = said.lines().filter(|line| line.starts_with("weir: "));
                let sentence = lines.next().unwrap();
                assert_eq!(code, Some(69), "{command} on {what}: {said}");
                assert!(sentence.starts_with(&told), "{command} on {what}: {said}");
                assert!(sentence.contains("put it back from your copy"), "{command}: {said}");
                let is_all = lines.next().is_none() && !said.contains("panicked");
                assert!(is_all, "{command} on {what}: {said}");
                assert!(fs::read(&journal).unwrap() == bytes, "{command} changed {what}");
            };
            for (command, more) in COMMANDS {
                let args = [command, "--data", &data, "--campaign", &file];
                let ran = weir(&[args.as_slice(), more].concat());
                is_told(command, (ran.code, &ran.stderr));
                assert_eq!(ran.stdout, "", "{command} on {what}");
            }
            let mut up = Server::spawn(&scratch, &["up", "--data", &data, "--campaign", &file]);
            is_told("up", (up.ended(), &up.stderr()));
        }
        // The way out: the copy is put back, and the vote is there.
        fs::write(&journal, &whole).unwrap();
        let up = Up::start(&scratch, &["--campaign", &file]);
        up.tally(1, u64::from(killed));
        up.stop();
    }
}

#[test]
fn a_recount_changes_no_byte_also_of_a_journal_that_was_not_closed() {
    let scratch = Scratch::new();
    let file = scratch.file("c.toml", campaign(-1, 2));
    let data = scratch.path("data");
    for killed in [false, true] {
        let (journal, whole) = voted(&scratch, &file, killed);
        let names = || {
            let names = fs::read_dir(&data).unwrap().map(|entry| entry.unwrap().file_name());
            let mut names: Vec<_> = names.collect();
            names.sort();
            names
        };
        let before = names();
        let first = weir(&["recount", "--data", &data]);
        assert_eq!(first.code, Some(0), "{first:?}");
        assert!(fs::read(&journal).unwrap() == whole, "its bytes, killed: {killed}");
        assert_eq!(names(), before);
        // A copy without anything beside it says the same.
        fs::create_dir_all(scratch.path("copy")).unwrap();
        fs::copy(&journal, scratch.path("copy/test.redb")).unwrap();
        let copy = weir(&["recount", "--data", &scratch.path("copy")]);
        assert_eq!((copy.code, copy.stdout), (Some(0), first.stdout));
    }
}
