//! The servers that scenarios ask for: real processes of the binary on free ports, each with a data
//! directory of its own, that can be killed and started again where they were.
//!
//! Invariant: all of them end with the test. Only the operating system lies to one of them: a small
//! library puts its clock forward, so that midnight comes when a scenario wants it.

use std::collections::HashMap;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use testkit::{Process, free_port};

use crate::kit::{Request, Scratch, eventually, weir};

/// Puts the wall clock forward by so many seconds, and no other clock.
const CLOCK: &str = "
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int clock_gettime(clockid_t id, struct timespec *at) {
    int failed = (int)syscall(SYS_clock_gettime, id, at);
    const char *ahead = getenv(\"CLOCK_AHEAD_S\");
    if (!failed && id == CLOCK_REALTIME && ahead) at->tv_sec += atol(ahead);
    return failed;
}
";

/// One `weir up`.
struct Server {
    command: Vec<String>,
    log: String,
    port: u16,
    process: Process,
}

/// All of them, by name.
pub(crate) struct Servers<'a> {
    scratch: &'a Scratch,
    running: HashMap<String, Server>,
}

impl<'a> Servers<'a> {
    pub(crate) fn new(scratch: &'a Scratch) -> Self {
        Self { scratch, running: HashMap::new() }
    }

    /// Does what a scenario asks for; the answer.
    pub(crate) fn answer(&mut self, asked: &Value) -> Result<Value, String> {
        let text = |field: &str| asked[field].as_str().unwrap_or_default().to_owned();
        let name = text("name");
        match asked["what"].as_str().unwrap_or_default() {
            "start" => self.start(&name, asked),
            "kill" => self.kill(&name),
            "again" => self.again(&name),
            "tokens" => self.tokens(&name, asked),
            "imitation" => self.imitation(&name),
            other => Err(format!("nobody knows what {other:?} is")),
        }
    }

    fn start(&mut self, name: &str, asked: &Value) -> Result<Value, String> {
        let port = free_port();
        let mut command = vec!["env".to_owned(), "-u".to_owned(), "RUST_LOG".to_owned()];
        if let Some(ahead_s) = asked["ahead_s"].as_i64() {
            command.push(format!("CLOCK_AHEAD_S={ahead_s}"));
            command.push(format!("LD_PRELOAD={}", self.clock()));
        }
        command.extend([env!("CARGO_BIN_EXE_weir"), "up", "--data"].map(str::to_owned));
        command.push(self.scratch.path(&format!("{name}-data")));
        command.extend(["--listen".to_owned(), format!("127.0.0.1:{port}")]);
        command.extend(["--ops-listen", "127.0.0.1:0"].map(str::to_owned));
        for (id, text) in asked["campaigns"].as_object().into_iter().flatten() {
            let text = text.as_str().unwrap_or_default();
            let file = self.scratch.file(&format!("{name}-{id}.toml"), text);
            command.extend(["--campaign".to_owned(), file]);
        }
        let flags = asked["flags"].as_array().into_iter().flatten();
        command.extend(flags.filter_map(Value::as_str).map(str::to_owned));
        let log = self.scratch.path(&format!("{name}.log"));
        let process = Process::spawn(&command, Path::new(&log)).map_err(|e| e.to_string())?;
        self.running.insert(name.to_owned(), Server { command, log, port, process });
        self.ready(name)
    }

    /// As a power cut does it.
    fn kill(&mut self, name: &str) -> Result<Value, String> {
        let server = self.running.get_mut(name).ok_or("there is no such server")?;
        server.process.kill().map_err(|e| e.to_string())?;
        Ok(Value::Null)
    }

    /// The same, where it was.
    fn again(&mut self, name: &str) -> Result<Value, String> {
        let server = self.running.get_mut(name).ok_or("there is no such server")?;
        std::fs::remove_file(&server.log).map_err(|e| e.to_string())?;
        let spawned = Process::spawn(&server.command, Path::new(&server.log));
        server.process = spawned.map_err(|e| e.to_string())?;
        self.ready(name)
    }

    /// Its origin, once it is ready.
    fn ready(&mut self, name: &str) -> Result<Value, String> {
        let server = self.running.get_mut(name).ok_or("there is no such server")?;
        let log = server.log.clone();
        let said = || std::fs::read_to_string(&log).unwrap_or_default();
        let is_up = eventually("weir to be ready", || {
            let ended = server.process.ended().is_some();
            let log = said();
            let readyz = log.split_whitespace().find(|word| word.ends_with("/readyz"));
            let answer = readyz.and_then(|url| Request::get(url).try_send());
            (ended || answer.is_some_and(|answer| answer.status == 200)).then_some(!ended)
        });
        if is_up {
            Ok(json!(format!("http://127.0.0.1:{}", server.port)))
        } else {
            Err(format!("weir ended: {}", said()))
        }
    }

    /// Where it imitates WeChat.
    fn imitation(&self, name: &str) -> Result<Value, String> {
        let server = self.running.get(name).ok_or("there is no such server")?;
        let log = std::fs::read_to_string(&server.log).unwrap_or_default();
        let url = log.split_whitespace().find(|word| word.contains("/imitation"));
        let url = url.ok_or_else(|| format!("no imitation is named: {log}"))?;
        Ok(json!(url.trim_end_matches([':', ',', '.'])))
    }

    /// Tokens of these voters.
    fn tokens(&self, name: &str, asked: &Value) -> Result<Value, String> {
        let data = self.scratch.path(&format!("{name}-data"));
        let id = asked["campaign"].as_str().unwrap_or_default();
        let file = self.scratch.path(&format!("{name}-{id}.toml"));
        let mut args = vec!["token", "--data", &data, "--campaign", &file];
        if asked["stranger"] == true {
            args.push("--not-follower");
        }
        let ids = asked["ids"].as_array().into_iter().flatten();
        args.extend(ids.filter_map(Value::as_str));
        let ran = weir(&args);
        if ran.code != Some(0) {
            return Err(ran.stderr);
        }
        Ok(ran.stdout.lines().map(str::to_owned).collect())
    }

    /// The library that puts a clock forward, compiled.
    fn clock(&self) -> String {
        let (source, library) =
            (self.scratch.file("clock.c", CLOCK), self.scratch.path("clock.so"));
        let mut compiler = Command::new("cc");
        compiler.args(["-shared", "-fPIC", "-O1", "-o", &library, &source]);
        let ended = compiler.status().expect("cc: install a C compiler");
        assert!(ended.success(), "{compiler:?}");
        library
    }

    /// What every server said, for whoever looks for the reason of a failure.
    pub(crate) fn said(&self) -> String {
        let tail = |(name, server): (&String, &Server)| {
            let log = std::fs::read_to_string(&server.log).unwrap_or_default();
            let lines: Vec<&str> = log.lines().collect();
            format!("{name}:\n{}\n", lines[lines.len().saturating_sub(15)..].join("\n"))
        };
        self.running.iter().map(tail).collect()
    }
}
