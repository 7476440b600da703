//! The command from outside: what it refuses, its exit codes, its reports, and the proof from the
//! journal of a server that is stopped after the load.
#![expect(clippy::unwrap_used, reason = "a test says where it fails by panicking")]

mod site;

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use tokio::sync::oneshot;
use tokio::task::spawn_blocking;

use site::{Defect, Site, campaign_text};

const STOP: &str = "stop `weir up` now";

/// What came of the command.
#[derive(Debug)]
struct Ran {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

/// The command, with files for the campaign and its keys.
fn command(dir: &Path, args: &[&str]) -> Command {
    let (campaign, keys) = (dir.join("c.toml"), dir.join("test.keys.toml"));
    fs::write(&campaign, campaign_text()).unwrap();
    fs::write(&keys, Site::keys_text()).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_loadtest"));
    command.args(args).arg("--campaign").arg(campaign).arg("--keys").arg(dir);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn ran(mut command: Command) -> Ran {
    let output = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ran { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

#[test]
fn what_is_wrong_is_refused_before_anything_is_sent() {
    let dir = tempfile::tempdir().unwrap();
    let plan = dir.path().join("plan.toml");
    fs::write(&plan, "[[phases]]\nseconds = 1\nrate = \"fast\"\n").unwrap();
    let plan = plan.to_str().unwrap();
    let kafka =
        ["steady", "--edge", "http://[::1]:1", "--kafka", "[::1]:1", "--kafka-config", plan];
    for (args, code, sentence) in [
        (vec!["steady", "--edge", "http://192.0.2.1:80"], 64, "--i-own-this-server"),
        (vec!["steady", "--edge", "https://localhost"], 64, "give http://HOST:PORT"),
        (vec!["quiet", "--edge", "http://[::1]:1"], 64, "is no profile (steady, promotion"),
        (vec![plan, "--edge", "http://[::1]:1"], 64, "line 3: phases[1].rate: give a number"),
        (vec!["steady", "--edge", "http://[::1]:1", "--fail-if", "p99>"], 64, "--fail-if"),
        (vec!["steady"], 64, "--edge"),
        (vec!["steady", "--edge", "http://127.0.0.1:1"], 69, "does not answer"),
        (vec!["steady", "--edge", "http://127.0.0.1:1", "--watch-pid", "a"], 64, "NAME=PID"),
        (vec!["steady", "--edge", "http://[::1]:1", "--kafka-config", plan], 64, "--kafka"),
        (kafka.to_vec(), 64, "plan.toml: line 1: give one property a line"),
    ] {
        let ran = ran(command(dir.path(), &args));
        assert_eq!(ran.code, Some(code), "{args:?}: {ran:?}");
        assert!(ran.stderr.contains(sentence), "{args:?}: {ran:?}");
        assert_eq!(ran.stdout, "");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_writes_its_reports_and_a_broken_threshold_is_exit_code_1() {
    let dir = tempfile::tempdir().unwrap();
    let site = Site::start(&dir.path().join("data"), Defect::None).await;
    let html = dir.path().join("report.html");
    let args = ["steady", "--edge", &site.urls[0], "--edge", &site.urls[1], "--json", "-"];
    let mut command = command(dir.path(), &args);
    command.args(["--rate", "300", "--duration", "1.5", "--connections", "16"]);
    command.args(["--fail-if", "lost>0", "--fail-if", "acknowledged>10"]);
    command.args(["--watch-pid", &format!("server={}", std::process::id()), "--html"]);
    command.arg(&html);
    let ran = spawn_blocking(move || ran(command)).await.unwrap();
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.stderr.contains("proof from the tally alone"), "{ran:?}");
    let told: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(told["proof"]["lost_voter_days"], 0, "{told}");
    assert_eq!(told["proof"]["evidence"], "tally", "{told}");
    for (name, process) in [("server", &told["processes"][0]), ("loadtest", &told["processes"][1])]
    {
        assert_eq!(process["name"], name);
        assert!(process["resident_bytes"][0].as_u64() > Some(1_000_000), "{process}");
    }
    assert!(fs::read_to_string(html).unwrap().contains("Memory of the processes"));
    site.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_journal_of_a_server_that_is_stopped_proves_each_voter_day() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let site = Site::start(&data, Defect::Drops(200)).await;
    let args = ["steady", "--edge", &site.urls[0], "--rate", "400", "--duration", "2"];
    let mut command = command(dir.path(), &args);
    command.args(["--connections", "16", "--data"]).arg(&data);
    let child = command.spawn().unwrap();
    let (asked, to_stop) = oneshot::channel();
    let waiting = spawn_blocking(move || until_end(child, asked));
    to_stop.await.unwrap();
    site.stop().await;
    let ran = waiting.await.unwrap();
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.stderr.contains("proof from the log"), "{ran:?}");
    assert!(ran.stderr.contains("lost (acknowledged and not counted)"), "{ran:?}");
}

/// Waits for the command, and tells when it asks for the server to be stopped.
fn until_end(mut child: Child, asked: oneshot::Sender<()>) -> Ran {
    let (mut asked, mut stderr) = (Some(asked), String::new());
    for line in BufReader::new(child.stderr.take().unwrap()).lines() {
        let line = line.unwrap();
        if line.contains(STOP) {
            asked.take().unwrap().send(()).unwrap();
        }
        stderr += &line;
        stderr.push('\n');
    }
    Ran { code: child.wait().unwrap().code(), stdout: String::new(), stderr }
}
