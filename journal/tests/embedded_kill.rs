//! The embedded journal when its process is killed: this test runs itself as a child, which appends
//! and says what was acknowledged, kills it, and looks for all of that in the file.

mod conformance;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use conformance::{BASE_MS, read_some};
use journal::{Embedded, EmbeddedOptions, Error, Journal};

fn open(dir: &Path) -> Result<Embedded, Error> {
    Embedded::open(&EmbeddedOptions::new(dir, "campaign", 2))
}

/// Names the directory to the child that is to be killed.
const CHILD_DIR: &str = "JOURNAL_TEST_CHILD_DIR";
const CHILD: &str = "the_child_of_the_kill_test";

/// Not a test of its own: another test runs it in a process of its own and kills it.
#[tokio::test]
#[ignore = "run by a_killed_process_loses_nothing_it_acknowledged"]
async fn the_child_of_the_kill_test() {
    let Some(dir) = std::env::var_os(CHILD_DIR) else {
        return;
    };
    let journal = open(Path::new(&dir)).unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    for task in 0..6_u64 {
        let journal = journal.clone();
        tasks.spawn(async move {
            for number in 0.. {
                let partition = u32::try_from(number % 2).unwrap();
                let value = format!("{}-{task}-{number}", std::process::id());
                let appended = journal.append(partition, BASE_MS, value.clone().into()).await;
                let line = format!("\nack {partition} {} {value} .\n", appended.unwrap());
                let mut output = std::io::stdout().lock();
                output.write_all(line.as_bytes()).unwrap();
                output.flush().unwrap();
            }
        });
    }
    // It is killed long before; if whoever should do that is gone, it must end all the same.
    drop(tokio::time::timeout(Duration::from_secs(20), tasks.join_all()).await);
}

#[tokio::test]
async fn a_killed_process_loses_nothing_it_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    let mut acknowledged = BTreeMap::new();
    for round in 1..=3 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", CHILD, "--ignored", "--nocapture"])
            .env(CHILD_DIR, dir.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        // All that it managed to say before it died counts; a torn last line lacks its full stop.
        let mut heard = 0;
        for line in lines {
            let words: Vec<_> = line.split(' ').collect();
            if let ["ack", partition, offset, value, "."] = words[..] {
                let place = (partition.parse::<u32>().unwrap(), offset.parse::<u64>().unwrap());
                assert!(acknowledged.insert(place, value.to_owned()).is_none(), "{place:?} twice");
                heard += 1;
                if heard == 200 * round {
                    child.kill().unwrap();
                }
            }
        }
        child.wait().unwrap();
        assert!(heard >= 200 * round, "the child ended before it was killed");

        let journal = open(dir.path()).unwrap();
        for partition in 0..2 {
            let end = journal.bounds(partition).await.unwrap().end;
            let count = usize::try_from(end).unwrap();
            let records = read_some(&mut journal.read(partition, 0), count).await;
            for ((_, offset), value) in acknowledged.range((partition, 0)..(partition + 1, 0)) {
                let record = records.get(usize::try_from(*offset).unwrap());
                assert_eq!(record.map(|record| &record.value[..]), Some(value.as_bytes()));
            }
        }
        journal.close().await;
    }
}
