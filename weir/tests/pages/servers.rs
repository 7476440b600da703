//! The servers that scenarios ask for: real processes of the binary on free ports, each server with
//! a directory of its own, that can be killed and started again where they were.
//!
//! Invariant: all of them end with the test. Only the operating system lies to one of them: a small
//! library puts its clock forward, so that midnight comes when a scenario wants it.

use std::collections::HashMap;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Value, json};
use testkit::{Process, free_port};

use crate::journals::{Journal, Wanted};
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

/// One process of a server.
struct Part {
    command: Vec<String>,
    log: String,
    process: Process,
}

impl Part {
    fn start(command: Vec<String>, log: String) -> Result<Self, String> {
        let process = Process::spawn(&command, Path::new(&log)).map_err(|e| e.to_string())?;
        Ok(Self { command, log, process })
    }

    fn said(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    fn ready(&mut self) -> Result<(), String> {
        let is_up = eventually("weir to be ready", || {
            let ended = self.process.ended().is_some();
            let log = self.said();
            let readyz = log.split_whitespace().find(|word| word.ends_with("/readyz"));
            let answer = readyz.and_then(|url| Request::get(url).try_send());
            (ended || answer.is_some_and(|answer| answer.status == 200)).then_some(!ended)
        });
        if is_up { Ok(()) } else { Err(format!("weir ended: {}", self.said())) }
    }

    /// Has it read its campaigns again, of which one has been extended.
    fn reload(&mut self) -> Result<(), String> {
        self.process.signal("HUP").map_err(|e| e.to_string())?;
        let has_read = eventually("what came of the reload", || {
            let said = self.said();
            let has_read = said.contains("the rules, as extended");
            (has_read || said.contains("not reloaded")).then_some(has_read)
        });
        if has_read { Ok(()) } else { Err(format!("not reloaded: {}", self.said())) }
    }
}

/// A `weir up`, or an edge and an aggregator.
struct Server {
    wanted: Wanted,
    /// What voters meet comes first.
    parts: Vec<Part>,
}

impl Server {
    fn edge(&mut self) -> Result<&mut Part, String> {
        self.parts.first_mut().ok_or_else(|| "it has no process".to_owned())
    }

    /// Its origin, once all of it is ready and whoever asks is shown the result.
    fn ready(&mut self) -> Result<Value, String> {
        self.parts.iter_mut().try_for_each(Part::ready)?;
        let origin = format!("http://127.0.0.1:{}", self.wanted.port);
        for file in &self.wanted.files {
            let text = std::fs::read_to_string(file).unwrap_or_default();
            let id = text.split('"').nth(1).unwrap_or_default();
            let tally = Request::get(&format!("{origin}/v1/campaigns/{id}/tally"));
            eventually("the result", || tally.try_send().filter(|answer| answer.status != 503));
        }
        Ok(json!(origin))
    }
}

/// All of them, by name.
pub(crate) struct Servers<'a> {
    scratch: &'a Scratch,
    journal: Journal,
    running: Mutex<HashMap<String, Arc<Mutex<Server>>>>,
}

impl<'a> Servers<'a> {
    pub(crate) fn new(scratch: &'a Scratch, journal: Journal) -> Self {
        Self { scratch, journal, running: Mutex::default() }
    }

    /// Does what a scenario asks for; the answer. Others may ask meanwhile.
    pub(crate) fn answer(&self, asked: &Value) -> Result<Value, String> {
        let text = |field: &str| asked[field].as_str().unwrap_or_default().to_owned();
        let name = text("name");
        match asked["what"].as_str().unwrap_or_default() {
            "start" => self.start(&name, asked),
            "kill" => self.kill(&name),
            "again" => self.again(&name),
            "extend" => self.extend(&name, &text("campaign"), &text("text")),
            "tokens" => self.tokens(&name, asked),
            "imitation" => self.imitation(&name),
            other => Err(format!("nobody knows what {other:?} is")),
        }
    }

    fn start(&self, name: &str, asked: &Value) -> Result<Value, String> {
        let campaigns = asked["campaigns"].as_object().into_iter().flatten();
        let files = campaigns.map(|(id, text)| self.file(name, id, text.as_str()));
        let flags = asked["flags"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let wanted = Wanted {
            data: self.data(name),
            port: free_port(),
            files: files.collect(),
            flags: flags.map(str::to_owned).collect(),
        };
        for file in &wanted.files {
            self.journal.found(&wanted, file)?;
        }
        let mut environment = vec!["env".to_owned(), "-u".to_owned(), "RUST_LOG".to_owned()];
        if let Some(ahead_s) = asked["ahead_s"].as_i64() {
            environment.push(format!("CLOCK_AHEAD_S={ahead_s}"));
            environment.push(format!("LD_PRELOAD={}", self.clock()));
        }
        environment.push(env!("CARGO_BIN_EXE_weir").to_owned());
        let commands = self.journal.commands(&wanted).into_iter();
        let parts = commands.map(|command| {
            let log = self.scratch.path(&format!("{name}-{}.log", command[0]));
            Part::start([environment.as_slice(), &command].concat(), log)
        });
        let server = Server { parts: parts.collect::<Result<_, _>>()?, wanted };
        let server = Arc::new(Mutex::new(server));
        self.running.lock().unwrap().insert(name.to_owned(), Arc::clone(&server));
        server.lock().unwrap().ready()
    }

    fn data(&self, name: &str) -> String {
        self.scratch.path(&format!("{name}-data"))
    }

    /// A campaign's file, with this text if there is one.
    fn file(&self, name: &str, id: &str, text: Option<&str>) -> String {
        let file = format!("{name}-{id}.toml");
        text.map_or_else(|| self.scratch.path(&file), |text| self.scratch.file(&file, text))
    }

    fn of(&self, name: &str) -> Result<Arc<Mutex<Server>>, String> {
        let running = self.running.lock().unwrap();
        running.get(name).cloned().ok_or_else(|| "there is no such server".to_owned())
    }

    /// As a power cut does it to what voters meet.
    fn kill(&self, name: &str) -> Result<Value, String> {
        self.of(name)?.lock().unwrap().edge()?.process.kill().map_err(|e| e.to_string())?;
        Ok(Value::Null)
    }

    /// The same, where it was.
    fn again(&self, name: &str) -> Result<Value, String> {
        let server = self.of(name)?;
        let mut server = server.lock().unwrap();
        let edge = server.edge()?;
        std::fs::remove_file(&edge.log).map_err(|e| e.to_string())?;
        *edge = Part::start(edge.command.clone(), edge.log.clone())?;
        server.ready()
    }

    /// Has a campaign go on for longer, as this text says, without a restart.
    fn extend(&self, name: &str, id: &str, text: &str) -> Result<Value, String> {
        let server = self.of(name)?;
        let mut server = server.lock().unwrap();
        let file = self.file(name, id, Some(text));
        self.journal.extend(&server.wanted, &file)?;
        server.parts.iter_mut().try_for_each(Part::reload)?;
        Ok(Value::Null)
    }

    /// Where it imitates WeChat.
    fn imitation(&self, name: &str) -> Result<Value, String> {
        let log = self.of(name)?.lock().unwrap().edge()?.said();
        let url = log.split_whitespace().find(|word| word.contains("/imitation"));
        let url = url.ok_or_else(|| format!("no imitation is named: {log}"))?;
        Ok(json!(url.trim_end_matches([':', ',', '.'])))
    }

    /// Tokens of these voters.
    fn tokens(&self, name: &str, asked: &Value) -> Result<Value, String> {
        let id = asked["campaign"].as_str().unwrap_or_default();
        let (data, file) = (self.data(name), self.file(name, id, None));
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
        let running = self.running.lock().unwrap();
        // Also of one that was waited for in vain.
        let servers =
            running.values().map(|server| server.lock().unwrap_or_else(PoisonError::into_inner));
        let tails = servers.flat_map(|server| server.parts.iter().map(tail).collect::<Vec<_>>());
        tails.collect()
    }
}

/// The end of what a process said.
fn tail(part: &Part) -> String {
    let said = part.said();
    let lines: Vec<&str> = said.lines().collect();
    let name = Path::new(&part.log).file_stem().unwrap_or_default().display();
    format!("{name}:\n{}\n", lines[lines.len().saturating_sub(15)..].join("\n"))
}
