//! A weir process that serves, until the test ends it or ends itself, however it does that.

use std::cell::RefCell;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::Value;
use testkit::Process;

use super::{Request, Scratch, eventually};

/// A process that runs; killed when it is dropped.
pub(crate) struct Server<'a> {
    process: RefCell<Process>,
    scratch: &'a Scratch,
    log: String,
}

impl<'a> Server<'a> {
    /// Starts it on free ports, unless the flags say others.
    pub(crate) fn spawn(scratch: &'a Scratch, args: &[&str]) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let log = format!("{}-{number}.log", args[0]);
        let mut command = vec!["env", "-u", "RUST_LOG", env!("CARGO_BIN_EXE_weir")];
        command.extend(args);
        for flag in ["--listen", "--ops-listen"].into_iter().filter(|flag| !args.contains(flag)) {
            command.extend([flag, "127.0.0.1:0"]);
        }
        let process = Process::spawn(&command, Path::new(&scratch.path(&log))).unwrap();
        Self { process: RefCell::new(process), scratch, log }
    }

    /// Starts it, and waits until it is ready and has said where it is.
    pub(crate) fn start(scratch: &'a Scratch, args: &[&str]) -> Self {
        let mut server = Self::spawn(scratch, args);
        server.wait_ready();
        server
    }

    pub(crate) fn wait_ready(&mut self) {
        eventually("weir to be up and ready", || {
            let ended = self.process.borrow_mut().ended();
            assert!(ended.is_none(), "weir ended: {}", self.stderr());
            (self.is_up() && self.complaints()?.is_empty()).then_some(())
        });
    }

    /// Whether it has said everything that it says at its start.
    fn is_up(&self) -> bool {
        self.stderr().lines().any(|line| line.contains("campaign  http://"))
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.borrow().pid()
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

    /// The URL of its first campaign.
    pub(crate) fn url(&self) -> String {
        self.line("campaign  http://").split_whitespace().last().unwrap().to_owned()
    }

    /// Why it is not ready; empty if it is, none if it does not say.
    pub(crate) fn complaints(&self) -> Option<Vec<String>> {
        let stderr = self.stderr();
        let url = stderr.split_whitespace().find(|word| word.ends_with("/readyz"))?;
        let answer = Request::get(url).try_send()?;
        let ready: Value = answer.json();
        assert_eq!(ready["ready"].as_bool(), Some(answer.status == 200), "{ready}");
        serde_json::from_value(ready["complaints"].clone()).ok()
    }

    /// A metric's value: the sum over its series that have `label` in them; 0 as long as it does
    /// not say.
    pub(crate) fn metric(&self, name: &str, label: &str) -> f64 {
        let stderr = self.stderr();
        let url = stderr.split_whitespace().find(|word| word.ends_with("/metrics"));
        let answer = url.and_then(|url| Request::get(url).try_send());
        let text =
            answer.map_or_else(String::new, |answer| String::from_utf8(answer.body).unwrap());
        let series = text.lines().filter(|line| {
            let rest = line.strip_prefix(name);
            rest.is_some_and(|rest| rest.starts_with(['{', ' '])) && line.contains(label)
        });
        series.map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap()).sum()
    }

    pub(crate) fn signal(&self, name: &str) {
        self.process.borrow_mut().signal(name).unwrap();
    }

    /// Its exit code, once it has one; none if a signal ended it.
    pub(crate) fn ended(&mut self) -> Option<i32> {
        let ended = eventually("weir to end", || self.process.borrow_mut().ended());
        // A shell's way to say so.
        ended.code().filter(|code| *code < 128)
    }

    /// Kills it as a crash would.
    pub(crate) fn kill(mut self) {
        self.signal("KILL");
        assert_eq!(self.ended(), None, "it was killed");
    }

    /// Asks it to end, which it does with 0.
    pub(crate) fn stop(mut self) {
        self.signal("TERM");
        assert_eq!(self.ended(), Some(0), "{}", self.stderr());
    }
}
