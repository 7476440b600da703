//! What processes of this machine take while a load runs: memory and processor time, from `/proc`.
//!
//! Invariant: a figure belongs to the process that was named: when its number goes to another one,
//! there are no more figures. Never here: a signal, or any other touch of a process.

use std::fmt;
use std::fs;
use std::str::FromStr;

/// Milliseconds of a tick of `/proc/PID/stat`: Linux shows processor time to programs in
/// hundredths of a second, whatever it counts in itself (`USER_HZ`, proc(5)).
const TICK_MS: u64 = 10;
const NAME_MAX: usize = 32;

/// What a process took in a second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    /// Memory that is resident at its end, bytes.
    pub resident_bytes: u64,
    /// Processor time in it, user and system, milliseconds.
    pub cpu_ms: u64,
}

/// A process that was watched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// What it is called in reports.
    pub name: String,
    /// What it took in each second; `None` where it was not there any more.
    pub seconds: Vec<Option<Usage>>,
}

/// A process to be watched, as `NAME=PID`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watch {
    pid: u32,
    process: Process,
    /// When it began, and its processor time when it was last looked at.
    last: Option<Look>,
}

/// What `/proc` shows of a process at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Look {
    /// Ticks from the machine's start to the process's.
    began: u64,
    cpu_ms: u64,
    resident_bytes: u64,
}

/// Why a process cannot be watched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotWatched(String);

impl fmt::Display for NotWatched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for NotWatched {}

impl FromStr for Watch {
    type Err = NotWatched;

    fn from_str(text: &str) -> Result<Self, NotWatched> {
        let parts = text.split_once('=').and_then(|(name, pid)| Some((name, pid.parse().ok()?)));
        let plain = |letter: char| letter.is_ascii_alphanumeric() || "._-".contains(letter);
        let (name, pid) = parts
            .filter(|(name, _)| (1..=NAME_MAX).contains(&name.len()) && name.chars().all(plain))
            .ok_or_else(|| {
                NotWatched(format!(
                    "give NAME=PID, such as edge=4711: a name of up to {NAME_MAX} letters, digits, \
                     dots, dashes and underscores, and a number"
                ))
            })?;
        Self::new(name, pid).ok_or_else(|| {
            NotWatched(format!("/proc shows no process {pid}; give the number of one that runs"))
        })
    }
}

impl Watch {
    /// A process that is there now.
    #[must_use]
    pub fn new(name: &str, pid: u32) -> Option<Self> {
        let last = Some(look(pid)?);
        let process = Process { name: name.to_owned(), seconds: Vec::new() };
        Some(Self { pid, process, last })
    }

    /// Begins again: what the process took until now is in no second.
    pub fn begin(&mut self) {
        self.process.seconds.clear();
        self.take();
    }

    /// Notes what it took since the last look.
    pub fn look(&mut self) {
        let usage = self.take();
        self.process.seconds.push(usage);
    }

    fn take(&mut self) -> Option<Usage> {
        let last = self.last?;
        self.last = look(self.pid).filter(|look| look.began == last.began);
        let Look { cpu_ms, resident_bytes, .. } = self.last?;
        Some(Usage { resident_bytes, cpu_ms: cpu_ms.saturating_sub(last.cpu_ms) })
    }

    /// What it took.
    #[must_use]
    pub fn seen(self) -> Process {
        self.process
    }
}

fn look(pid: u32) -> Option<Look> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let (cpu_ms, began) = times(&stat)?;
    Some(Look { began, cpu_ms, resident_bytes: resident_bytes(&status)? })
}

/// Processor time in milliseconds and the start in ticks: fields 14, 15 and 22 of proc(5)'s `stat`.
fn times(stat: &str) -> Option<(u64, u64)> {
    // The second field is a name that may have blanks and brackets of its own.
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace().skip(11);
    let mut number = || fields.next()?.parse::<u64>().ok();
    let (user, system) = (number()?, number()?);
    let began = fields.nth(6)?.parse().ok()?;
    Some(((user + system) * TICK_MS, began))
}

/// A process that has ended and is not buried has no such line.
fn resident_bytes(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_memory_are_read_as_proc_writes_them() {
        let stat = "4711 (a b) c) S 1 4711 4711 0 -1 4194560 1 0 0 0 250 30 7 8 20 0 9 0 987 1 2";
        assert_eq!(times(stat), Some((2_800, 987)));
        assert_eq!(times("4711 (cut"), None);
        assert_eq!(resident_bytes("Name:\ta\nVmRSS:\t   12 kB\n"), Some(12_288));
        assert_eq!(resident_bytes("Name:\ta\nState:\tZ\n"), None);
    }

    #[test]
    fn a_process_that_runs_has_figures_and_another_has_none() {
        let mut own = Watch::new("own", std::process::id()).unwrap();
        own.begin();
        own.look();
        own.last = own.last.map(|last| Look { began: last.began + 1, ..last });
        own.look();
        let seconds = own.seen().seconds;
        assert!(seconds[0].unwrap().resident_bytes > 100_000);
        assert_eq!(seconds[1], None, "the number went to another process");
    }

    #[test]
    fn what_is_not_a_name_and_a_number_of_a_process_is_refused() {
        for text in ["", "edge", "edge=", "=1", "edge=x", "a b=1", "edge=-1"] {
            let refused = text.parse::<Watch>().unwrap_err();
            assert!(refused.to_string().starts_with("give NAME=PID"), "{text}");
        }
        let refused = format!("edge={}", u32::MAX).parse::<Watch>().unwrap_err();
        assert!(refused.to_string().contains("shows no process"));
    }
}
