//! Runs the built binary: to its end, or as a server until the test ends.

use std::fs::File;
use std::io::Write as _;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use super::{Answer, Request, Scratch, eventually};

/// What a command that ran to its end said.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_weir"));
    command.args(args).env_remove("RUST_LOG");
    command
}

pub(crate) fn weir(args: &[&str]) -> Ran {
    weir_with_input(args, "")
}

pub(crate) fn weir_with_input(args: &[&str], input: &str) -> Ran {
    let mut command = command(args);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let ran = std::thread::scope(|scope| {
        // A command that refuses does not read its input.
        scope.spawn(move || drop(stdin.write_all(input.as_bytes())));
        child.wait_with_output().unwrap()
    });
    Ran {
        code: ran.status.code(),
        stdout: String::from_utf8(ran.stdout).unwrap(),
        stderr: String::from_utf8(ran.stderr).unwrap(),
    }
}

/// A `weir up` that runs; killed when it is dropped.
pub(crate) struct Up<'a> {
    child: Child,
    scratch: &'a Scratch,
    log: String,
}

impl<'a> Up<'a> {
    /// Starts it on free ports and on the data directory `data` of `scratch`, and waits until it
    /// is up and ready.
    pub(crate) fn start(scratch: &'a Scratch, args: &[&str]) -> Self {
        let mut up = Self::spawn(scratch, args);
        eventually("weir to be up and ready", || {
            let ended = up.child.try_wait().unwrap();
            assert!(ended.is_none(), "weir up ended: {}", up.stderr());
            let stderr = up.stderr();
            let url = stderr.split_whitespace().find(|word| word.ends_with("/readyz"))?;
            let is_printed = stderr.lines().any(|line| line.ends_with("/tally"));
            let answer = Request::get(url).try_send().filter(|_| is_printed)?;
            (answer.status == 200).then_some(())
        });
        up
    }

    fn spawn(scratch: &'a Scratch, args: &[&str]) -> Self {
        let log = format!("up-{}.log", super::now_ms());
        let file = File::create(scratch.path(&log)).unwrap();
        let data = scratch.path("data");
        let here = ["--data", &data, "--listen", "127.0.0.1:0", "--ops-listen", "127.0.0.1:0"];
        let mut command = command(&[["up"].as_slice(), &here, args].concat());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(file);
        Self { child: command.spawn().unwrap(), scratch, log }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn stderr(&self) -> String {
        self.scratch.read(&self.log)
    }

    /// The line of what it said that has this in it.
    pub(crate) fn line(&self, with: &str) -> String {
        let stderr = self.stderr();
        let line = stderr.lines().find(|line| line.contains(with));
        line.unwrap_or_else(|| panic!("{with} is not in: {stderr}")).trim().to_owned()
    }

    /// The campaign's URL.
    pub(crate) fn url(&self) -> String {
        self.line("campaign  http://").split_whitespace().last().unwrap().to_owned()
    }

    pub(crate) fn cast(&self, token: &str, choices: &[u32]) -> Answer {
        Request::ballot(&format!("{}/ballots", self.url()), token, choices).send()
    }

    /// Casts as a voter of a campaign, whose file this is and whose URL, with a fresh token.
    pub(crate) fn cast_as(&self, id: &str, file: &str, url: &str) -> Answer {
        let data = self.scratch.path("data");
        let ran = weir(&["token", "--data", &data, "--campaign", file, id]);
        assert_eq!(ran.code, Some(0), "{ran:?}");
        Request::ballot(&format!("{url}/ballots"), ran.stdout.trim(), &[1, 2, 3]).send()
    }

    /// The tally, once its number of ballots and of duplicates are these.
    pub(crate) fn tally(&self, ballots: u64, duplicates: u64) -> Vec<u8> {
        let request = Request::get(&format!("{}/tally", self.url()));
        eventually(&format!("{ballots} ballots and {duplicates} duplicates"), || {
            let answer = request.send();
            assert_eq!(answer.status, 200);
            let tally: Value = answer.json();
            let found = (tally["ballots"].as_u64(), tally["outcomes"]["duplicate"].as_u64());
            (found == (Some(ballots), Some(duplicates))).then_some(answer.body)
        })
    }

    pub(crate) fn signal(&self, name: &str) {
        let pid = self.pid().to_string();
        let sent = Command::new("kill").args(["-s", name, &pid]).status().unwrap();
        assert!(sent.success());
    }

    /// Its exit code, once it has one.
    pub(crate) fn ended(&mut self) -> Option<i32> {
        eventually("weir up to end", || self.child.try_wait().unwrap()).code()
    }

    /// Asks it to end, which it does with 0.
    pub(crate) fn stop(mut self) {
        self.signal("TERM");
        assert_eq!(self.ended(), Some(0), "{}", self.stderr());
    }
}

impl Drop for Up<'_> {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
