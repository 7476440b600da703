//! A real process that ends with the test that started it.
//!
//! Panic, abort, `kill -9` of the test process: its end of a pipe closes, and a shell at the other
//! end kills the process, paused or not. A child in a static, a parent-death signal (it fires when
//! the *thread* ends) or a `Drop` alone would each leave some behind. The process gets none of the
//! test's own pipes, so it never keeps a piped `cargo test` waiting.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::time::Duration;

use crate::{Error, wait_for};

/// `$1` is the log, the rest the command. The shell answers with the process's id, waits for it and
/// ends as it did; so the test sees its end as the shell's. The guard beside it takes names of
/// signals, one a line, sends and acknowledges each, and at the end of its input sends the last
/// one. Descriptor 3 is the test's pipe, because a shell gives background jobs no input; 4 is what
/// the shells hold open (see `spawn_holding`). Neither reaches the process. A guard that found the
/// pipe for its answers closed must live to read the end of its input, hence the trap.
const WATCHER: &str = r#"
exec 3<&0 4>&2 2>/dev/null
log=$1; shift
"$@" </dev/null >>"$log" 2>&1 3<&- 4>&- &
process=$!
(
    trap '' PIPE HUP INT TERM
    while read -r name; do
        if kill -s "$name" $process; then echo "$name"; else echo "$name was not sent"; fi
    done
    kill -s KILL $process
) <&3 3<&- &
guard=$!
exec 3<&- </dev/null
echo $process
wait $process
code=$?
kill -s KILL $guard
exit $code
"#;

/// How long a process may take to be gone after signal 9.
const KILLED_WITHIN: Duration = Duration::from_secs(20);

/// A running process, killed with signal 9 when this is dropped or the test process ends.
#[derive(Debug)]
pub struct Process {
    pid: u32,
    shell: Child,
    to_guard: Option<ChildStdin>,
    from_guard: BufReader<ChildStdout>,
}

impl Process {
    /// Starts a program with its arguments; what it says is appended to the file `log`.
    ///
    /// # Errors
    ///
    /// No shell could be started. A program that cannot be started has ended, with 126 or 127.
    pub fn spawn<S: AsRef<OsStr>>(command: &[S], log: &Path) -> Result<Self, Error> {
        Self::spawn_with(command, log, Stdio::null())
    }

    /// The same; `held` stays open, and with it a lock on it, until the process is gone, also when
    /// that is later than the test process.
    pub(crate) fn spawn_holding<S: AsRef<OsStr>>(
        command: &[S],
        log: &Path,
        held: &File,
    ) -> Result<Self, Error> {
        let held = held.try_clone().map_err(Error::io("holding a lock for", log))?;
        Self::spawn_with(command, log, held.into())
    }

    fn spawn_with<S: AsRef<OsStr>>(command: &[S], log: &Path, held: Stdio) -> Result<Self, Error> {
        let mut shell = Command::new("sh");
        shell.args(["-c", WATCHER, "watcher"]).arg(log).args(command);
        shell.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(held);
        // A group of its own: what a terminal or a test runner sends to the test's group must not
        // reach the guard.
        let started = shell.process_group(0).spawn();
        let mut shell = started.map_err(|error| Error::new(format!("starting sh: {error}")))?;
        let to_guard = shell.stdin.take();
        let lines = shell.stdout.take().map(BufReader::new);
        let mut from_guard = lines.ok_or_else(|| Error::new("sh has no output"))?;
        let mut line = String::new();
        from_guard.read_line(&mut line).map_err(Error::io("starting a process for", log))?;
        let pid = line.trim().parse();
        let pid = pid.map_err(|_| Error::new(format!("sh answered {line:?}, not a process id")))?;
        Ok(Self { pid, shell, to_guard, from_guard })
    }

    /// Its process id.
    #[must_use]
    pub const fn pid(&self) -> u32 {
        self.pid
    }

    /// Sends a signal (`"TERM"`, `"STOP"`) and returns once it is sent.
    ///
    /// # Errors
    ///
    /// The process has ended, or there is no such signal.
    pub fn signal(&mut self, name: &str) -> Result<(), Error> {
        let mut answer = String::new();
        let mut ask = || {
            if let Some(guard) = &mut self.to_guard {
                writeln!(guard, "{name}")?;
            }
            self.from_guard.read_line(&mut answer)
        };
        match ask() {
            Ok(_) if answer.trim() == name => Ok(()),
            // The process was gone, and the guard with it, before the guard could answer.
            Ok(0) if name == "KILL" && self.wait(KILLED_WITHIN).is_ok() => Ok(()),
            Ok(_) | Err(_) => {
                let pid = self.pid;
                Err(Error::new(format!("signal {name} to {pid}: it has ended, or no such signal")))
            }
        }
    }

    /// How it ended, if it has. A signal reads as exit code 128 and its number.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.shell.try_wait().ok().flatten()
    }

    /// How it ended, once it has.
    ///
    /// # Errors
    ///
    /// It still runs at the deadline.
    pub fn wait(&mut self, within: Duration) -> Result<ExitStatus, Error> {
        let pid = self.pid;
        let ended = wait_for(within, || self.ended());
        ended.ok_or_else(|| Error::new(format!("process {pid} still runs after {within:?}")))
    }

    /// Kills it with signal 9, paused or not, and waits until it is gone.
    ///
    /// # Errors
    ///
    /// It is still there after 20 s.
    pub fn kill(&mut self) -> Result<ExitStatus, Error> {
        self.to_guard = None;
        self.wait(KILLED_WITHIN)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // A process that does not die is not this test's failure.
        drop(self.kill());
    }
}
