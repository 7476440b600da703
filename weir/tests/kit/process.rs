//! Runs the built binary: to its end, or as a server until the test ends.

use std::io::Write as _;
use std::ops::{Deref, DerefMut};
use std::process::{Command, Stdio};

use serde_json::Value;

use super::{Answer, Request, Scratch, Server, eventually};

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
    server: Server<'a>,
    scratch: &'a Scratch,
}

impl<'a> Up<'a> {
    /// Starts it on free ports and on the data directory `data` of `scratch`, and waits until it
    /// is up and ready.
    pub(crate) fn start(scratch: &'a Scratch, args: &[&str]) -> Self {
        let data = scratch.path("data");
        let args = [["up", "--data", &data].as_slice(), args].concat();
        Self { server: Server::start(scratch, &args), scratch }
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
        tally(&self.url(), ballots, duplicates)
    }

    /// Asks it to end, which it does with 0.
    pub(crate) fn stop(self) {
        self.server.stop();
    }
}

/// A campaign's tally, once its number of ballots and of duplicates are these. A process that has
/// just started may not have one yet; one that had a tally must go on having it.
pub(crate) fn tally(url: &str, ballots: u64, duplicates: u64) -> Vec<u8> {
    let request = Request::get(&format!("{url}/tally"));
    let mut is_served = false;
    eventually(&format!("{ballots} ballots and {duplicates} duplicates"), || {
        let answer = request.send();
        if answer.status == 503 && !is_served {
            return None;
        }
        assert_eq!(answer.status, 200);
        is_served = true;
        let tally: Value = answer.json();
        let found = (tally["ballots"].as_u64(), tally["outcomes"]["duplicate"].as_u64());
        (found == (Some(ballots), Some(duplicates))).then_some(answer.body)
    })
}

impl<'a> Deref for Up<'a> {
    type Target = Server<'a>;

    fn deref(&self) -> &Server<'a> {
        &self.server
    }
}

impl DerefMut for Up<'_> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.server
    }
}
