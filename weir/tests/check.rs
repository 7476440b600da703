//! `weir check` for a process on the embedded journal: everything that is wrong is caused for real,
//! found in one run, and told with what to do; and nothing is ever changed by looking.
#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests are not covered by allow-unwrap-in-tests"
)]
#![expect(clippy::panic, reason = "as above")]

#[path = "check/findings.rs"]
mod findings;
mod kit;

use std::collections::BTreeMap;
use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;
use std::process::Command;

use findings::{Findings, check};
use kit::{Scratch, Up, campaign, weir};

const PORTS: [&str; 4] = ["--listen", "127.0.0.1:0", "--ops-listen", "127.0.0.1:0"];

/// The findings on `weir up` with this campaign, on `data`.
fn of(scratch: &Scratch, file: &str, more: &[&str]) -> Findings {
    let data = scratch.path("data");
    let args = ["check", "--data", &data, "--campaign", file];
    let ports = PORTS.chunks(2).filter(|flag| !more.contains(&flag[0])).flatten().copied();
    check(&args.into_iter().chain(ports).chain(more.iter().copied()).collect::<Vec<_>>())
}

/// Each file below a directory: its bytes, mode, and when it was changed.
fn everything(dir: &str) -> BTreeMap<String, (Vec<u8>, u32, i64, i64)> {
    let mut all = BTreeMap::new();
    let Ok(entries) = fs::read_dir(dir) else { return all };
    for entry in entries {
        let entry = entry.unwrap();
        let (path, about) = (entry.path(), entry.metadata().unwrap());
        let bytes = if about.is_file() { fs::read(&path).unwrap() } else { Vec::new() };
        let name = path.display().to_string();
        all.insert(name, (bytes, about.mode(), about.mtime(), about.mtime_nsec()));
    }
    let about = fs::metadata(dir).unwrap();
    all.insert(dir.to_owned(), (Vec::new(), about.mode(), about.mtime(), about.mtime_nsec()));
    all
}

#[test]
fn a_first_start_is_in_order_and_nothing_is_made_by_looking() {
    let scratch = Scratch::new();
    let file = scratch.file("c.toml", campaign(-1, 2));
    let found = of(&scratch, &file, &[]);
    found.ends_with(0);
    assert_eq!((found.errors, found.warnings), (0, 0), "{found:?}");
    found.ok("campaign file c.toml", "test: 5 choices, at most 3 a ballot, 3 voting days");
    found.ok("window test", "open, for ");
    found.ok("data directory", "data is not there yet; it can be made in ");
    found.ok("disk", "a small write is durable after ");
    found.ok("disk", "30,000 ballots at most take up to 5.4 MB");
    found.ok("journal test", "there is none yet");
    found.ok("keys test", "there are none yet");
    found.ok("--listen", "any free port");
    found.ok("open files", "16384 connections of 16384 wanted");
    found.ok("memory", "10,000 voters a day take up to 320.0 kB");
    assert!(!Path::new(&scratch.path("data")).exists());

    let table = weir(&[
        "check",
        "--data",
        &scratch.path("data"),
        "--campaign",
        &file,
        PORTS[0],
        PORTS[1],
        PORTS[2],
        PORTS[3],
    ]);
    assert_eq!((table.code, table.stderr.as_str()), (Some(0), ""), "{table:?}");
    assert!(table.stdout.starts_with("LEVEL    WHAT "), "{table:?}");
    assert!(table.stdout.contains("\nok       journal test "), "{table:?}");
    assert!(table.stdout.contains("\nerrors: 0, warnings: 0, ok: "), "{table:?}");
}

#[test]
fn a_journal_is_compared_and_repaired_in_memory_only() {
    let scratch = Scratch::new();
    let file = scratch.file("c.toml", campaign(-1, 2));
    let mut up = Up::start(&scratch, &["--campaign", &file, "--partitions", "2"]);
    assert_eq!(up.cast_as("ann", &file, &up.url()).status, 202);
    up.tally(1, 0);
    let data = scratch.path("data");

    let (api, ops) = (up.line("public API"), up.line("For operators"));
    let address = |line: &str| {
        let url = line.split_whitespace().find(|word| word.starts_with("http://")).unwrap();
        url["http://".len()..].split('/').next().unwrap().to_owned()
    };
    let (api, ops, pid) = (address(&api), address(&ops), up.pid().to_string());
    let running = of(&scratch, &file, &["--listen", &api, "--ops-listen", &ops]);
    running.ends_with(64);
    running.error("journal test", &format!("process {pid} has held "), "stop that process");
    for flag in ["--listen", "--ops-listen"] {
        let fix = "give another address or port";
        running.error(flag, &format!("weir, process {pid}, listens there"), fix);
    }

    // Not by the kit: its guard may be ended by the process's end before it has answered.
    let killed = Command::new("sh").args(["-c", &format!("kill -s KILL {pid}")]).status();
    assert!(killed.unwrap().success());
    assert_eq!(up.ended(), None, "it was killed");
    let before = everything(&data);
    let found = of(&scratch, &file, &[]);
    found.ends_with(0);
    assert_eq!((found.errors, found.warnings), (0, 0), "{found:?}");
    found.ok("data directory", "data: can be written");
    found.ok("journal test", "opens, nobody holds it; partitions: 2");
    found.ok("rules test", "those in force in all 2 partitions");
    found.ok("key test", "is the one that the rules in the journal name");
    found.ok("keys test", "readable, for its owner only");
    assert_eq!(everything(&data), before, "nothing has changed");
    let other = of(&scratch, &file, &["--partitions", "3"]);
    other.ends_with(69);
    other.error("journal test", "was made with 2 partitions", "see what the message says");
    Up::start(&scratch, &["--campaign", &file]).stop();
}

#[test]
fn a_journal_that_was_cut_off_is_a_finding_and_no_panic() {
    let scratch = Scratch::new();
    let file = scratch.file("c.toml", campaign(-1, 2));
    let mut up = Up::start(&scratch, &["--campaign", &file]);
    // One that was not closed is repaired, and redb believes its length.
    up.signal("KILL");
    assert_eq!(up.ended(), None, "it was killed");
    let journal = scratch.path("data/test.redb");
    let whole = fs::read(&journal).unwrap();
    for pages in [1, 5, 9, 13, 17] {
        fs::write(&journal, &whole[..pages * 4_096]).unwrap();
        let found = of(&scratch, &file, &[]);
        found.ends_with(69);
        found.error("journal test", "", "");
    }
}

#[test]
fn all_that_is_wrong_is_found_in_one_run() {
    let scratch = Scratch::new();
    let file = scratch.file("c.toml", campaign(-1, 2));
    Up::start(&scratch, &["--campaign", &file]).stop();
    let data = scratch.path("data");
    let keys = scratch.path("data/test.keys.toml");
    let kept = fs::read_to_string(&keys).unwrap();

    fs::set_permissions(&keys, fs::Permissions::from_mode(0o644)).unwrap();
    let readable = of(&scratch, &file, &[]);
    readable.ends_with(0);
    readable.warning("keys test", "others can read it too (mode 644)", "chmod 600 ");

    let (before, after) = kept.split_once("pseudonym_key = \"").unwrap();
    let other = format!("{before}pseudonym_key = \"{}{}", "ab".repeat(32), &after[64..]);
    fs::write(&keys, other).unwrap();
    let wrong = scratch.file("w.toml", campaign(-1, 2).replace("max = 3\n", "max = 4\n"));
    let port = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = port.local_addr().unwrap().to_string();
    let away = format!("http://127.0.0.1:{}", testkit::free_port());
    let found = of(&scratch, &wrong, &["--listen", &taken, "--trace-endpoint", &away]);
    found.ends_with(64);
    let limit = "choices_per_ballot_max differs: configured is 4, the log has 3";
    found.error("rules test", limit, "put the campaign file back, or write the change");
    found.error("key test", "not the one that the rules", "give the keys that the campaign began");
    found.error("--listen", "listens there", "give another address or port");
    found.warning("--trace-endpoint", "traces would be lost", "see that it runs");
    assert_eq!((found.errors, found.warnings), (3, 2), "{found:?}");
    drop(port);

    fs::remove_file(&keys).unwrap();
    let gone = of(&scratch, &file, &[]);
    gone.ends_with(64);
    gone.error("keys test", "there is no such file", "put them back from your copy");
    gone.ok("rules test", "those in force");
    assert!(!everything(&data).contains_key(&keys), "no keys are made");
}

#[test]
fn campaigns_and_directories_that_cannot_be_used_are_told_with_the_rest() {
    let scratch = Scratch::new();
    let over = scratch.file("over.toml", campaign(-5, -2));
    let found = of(&scratch, &over, &[]);
    found.ends_with(0);
    found.warning("window test", "over since ", "is this the right file");
    let ahead = scratch.file("ahead.toml", campaign(3, 5));
    of(&scratch, &ahead, &[]).ok("window test", "opens in 2 d ");

    let text = campaign(-1, 2).replace("\"UTC\"", "\"Mars/Olympus\"").replace("= 3\n", "= 30\n");
    let broken = scratch.file("broken.toml", text);
    let hasty = campaign(-1, 2).replace("title = \"A test\"", "title = \"A\"\ngrace_seconds = 5");
    let hasty = scratch.file("hasty.toml", hasty);
    scratch.file("data", "in place of the directory");
    let found = of(&scratch, &broken, &["--campaign", &hasty]);
    found.ends_with(64);
    found.error("campaign file broken.toml", "line 3: zone", "");
    found.error("campaign file broken.toml", "choices_per_ballot_max", "");
    found.error("campaign file hasty.toml", "grace_seconds: 5 is out", "give 10 to 3600");
    found.error("data directory", "is not a directory", "give another --data");
    assert_eq!(scratch.read("data"), "in place of the directory");
}

#[test]
fn what_voters_meet_is_checked_before_a_start() {
    let scratch = Scratch::new();
    let text = campaign(-1, 2);
    let link = "[identity]\nmode = \"link\"\naccount = \"A\"\nkeyword = \"vote\"\n";
    let file =
        scratch.file("c.toml", text.replacen("[[choices]]", &format!("{link}[[choices]]"), 1));
    let data = scratch.path("data");
    fs::create_dir(&data).unwrap();
    let secret = "00".repeat(32);
    let keys =
        format!("pseudonym_key = \"{secret}\"\n[[token_keys]]\nid = 1\nsecret = \"{secret}\"\n");
    let keys_file = scratch.file("test.keys.toml", &keys);
    let found = of(&scratch, &file, &["--keys", &keys_file]);
    found.error("sign-in test", "the keys have no [wechat] event_token", "copy it from");
    fs::write(&keys_file, format!("{keys}[wechat]\nevent_token = \"event-token\"\n")).unwrap();
    let found = of(&scratch, &file, &["--keys", &keys_file]);
    found.warning("sign-in test", "mode \"link\"", "give --public-url https://");
    let site = ["--keys", &keys_file, "--public-url", "https://vote.example.org"];
    let found = of(&scratch, &file, &site);
    found.ok("sign-in test", "mode \"link\", voters come to https://vote.example.org");
    let none = scratch.path("none.pem");
    let found = of(&scratch, &file, &["--tls-cert", &none, "--tls-key", &none]);
    found.error("TLS certificate", "cannot be read", "");
}
