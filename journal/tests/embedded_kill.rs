//! The embedded journal when its process is killed: this test runs itself as a child, which
//! appends and says what was acknowledged, kills it, and looks for all of that in the file.

#![expect(clippy::unwrap_used, reason = "a test says where it fails by panicking")]

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

/// The first argument of the child that is to be killed; the second names its directory.
const CHILD: &str = "append-until-killed";

/// There is no test harness here, because the child must be nothing but the child.
#[tokio::main(flavor = "current_thread")]
async fn main() {
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next().is_some_and(|first| first == CHILD) {
        return append_until_killed(Path::new(&arguments.next().unwrap())).await;
    }
    a_killed_process_loses_nothing_it_acknowledged().await;
    println!("a_killed_process_loses_nothing_it_acknowledged: 1 passed, 0 failed");
}

async fn append_until_killed(dir: &Path) {
    let journal = open(dir).unwrap();
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

async fn a_killed_process_loses_nothing_it_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    let mut acknowledged = BTreeMap::new();
    for round in 1..=3 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .arg(CHILD)
            .arg(dir.path())
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
