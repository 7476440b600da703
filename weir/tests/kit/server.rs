//! A weir process that serves, until the test ends it or ends itself.

use std::fs::File;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::Value;

use super::process::command;
use super::{Request, Scratch, eventually};

/// A process that runs; killed when it is dropped.
pub(crate) struct Server<'a> {
    child: Child,
    scratch: &'a Scratch,
    log: String,
}

impl<'a> Server<'a> {
    /// Starts it on free ports, unless the flags say others.
    pub(crate) fn spawn(scratch: &'a Scratch, args: &[&str]) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let log = format!("{}-{number}.log", args[0]);
        let file = File::create(scratch.path(&log)).unwrap();
        let mut all = args.to_vec();
        for flag in ["--listen", "--ops-listen"].into_iter().filter(|flag| !args.contains(flag)) {
            all.extend([flag, "127.0.0.1:0"]);
        }
        let mut command = command(&all);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(file);
        Self { child: command.spawn().unwrap(), scratch, log }
    }

    /// Starts it, and waits until it is ready and has said where it is.
    pub(crate) fn start(scratch: &'a Scratch, args: &[&str]) -> Self {
        let mut server = Self::spawn(scratch, args);
        server.wait_ready();
        server
    }

    pub(crate) fn wait_ready(&mut self) {
        eventually("weir to be up and ready", || {
            let ended = self.child.try_wait().unwrap();
            assert!(ended.is_none(), "weir ended: {}", self.stderr());
            (self.is_up() && self.complaints()?.is_empty()).then_some(())
        });
    }

    /// Whether it has said everything that it says at its start.
    fn is_up(&self) -> bool {
        self.stderr().lines().any(|line| line.contains("campaign  http://"))
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
        let pid = self.pid().to_string();
        let sent = Command::new("kill").args(["-s", name, &pid]).status().unwrap();
        assert!(sent.success());
    }

    /// Its exit code, once it has one.
    pub(crate) fn ended(&mut self) -> Option<i32> {
        eventually("weir to end", || self.child.try_wait().unwrap()).code()
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

impl Drop for Server<'_> {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
