//! A process of a bench, seen from both sides: this program once more, told its role and its sizes
//! by variables, then a line at a time. Its CPU time and memory are its own and read from outside.
//!
//! Invariant: a child ends when its input does, so none outlives the run, however that ends.

use std::io::{self, BufRead as _, BufReader, Write as _};
use std::process::{Child as Running, ChildStdin, ChildStdout, Command, Stdio};
use std::str::FromStr;
use std::{env, fs};

use crate::Error;

/// Linux shows CPU time in these to every program (`USER_HZ`), whatever its kernel counts in.
const TICK_US: u64 = 10_000;

/// A variable that whoever started this process has set.
///
/// # Errors
/// If it is not set, or is something else.
pub fn told<T: FromStr>(name: &str) -> Result<T, Error> {
    let text = env::var(name).map_err(|_| format!("{name} is not set"))?;
    text.parse().map_err(|_| format!("{name}={text:?} cannot be read").into())
}

/// Answers whoever started this process.
///
/// # Errors
/// If nobody listens any more.
pub fn say(line: &str) -> Result<(), Error> {
    let mut output = io::stdout().lock();
    writeln!(output, "{line}")?;
    Ok(output.flush()?)
}

/// What the process is told, line by line, until it shall end.
pub fn orders() -> impl Iterator<Item = String> {
    io::stdin().lines().map_while(Result::ok)
}

/// A process of the run, killed when this is dropped.
#[derive(Debug)]
pub struct Child {
    process: Running,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Child {
    /// Starts this program with these variables.
    ///
    /// # Errors
    /// If it cannot be started.
    pub fn start(told: &[(&str, String)]) -> Result<Self, Error> {
        let mut command = Command::new(env::current_exe()?);
        command.envs(told.iter().map(|(name, value)| (name, value)));
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let orders = process.stdin.take().ok_or("a child without input")?;
        let answers = process.stdout.take().map(BufReader::new).ok_or("a child without output")?;
        Ok(Self { process, orders, answers })
    }

    /// Tells it a line.
    ///
    /// # Errors
    /// If it has ended.
    pub fn tell(&mut self, order: &str) -> Result<(), Error> {
        Ok(writeln!(self.orders, "{order}")?)
    }

    /// Waits for its next line, which begins with `word`; the numbers that follow.
    ///
    /// # Errors
    /// If it says something else, or ends.
    pub fn hear<const N: usize>(&mut self, word: &str) -> Result<[u64; N], Error> {
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        let numbers = line.trim_end().strip_prefix(word).and_then(|rest| {
            let numbers: Option<Vec<u64>> =
                rest.split_whitespace().map(|number| number.parse().ok()).collect();
            numbers?.try_into().ok()
        });
        let wanted = || format!("a process said {line:?} where {word:?} and {N} numbers were due");
        Ok(numbers.ok_or_else(wanted)?)
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.process.id()
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// User and system time of all threads of a process, dead ones included, in microseconds.
///
/// # Errors
/// If there is no such process.
pub fn cpu_us(pid: u32) -> Result<u64, Error> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // proc(5): the name is in brackets and may hold anything; utime and stime are fields 14 and 15,
    // and the third comes right behind the brackets.
    let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields).split_whitespace();
    let times: Vec<u64> = fields.skip(11).take(2).filter_map(|field| field.parse().ok()).collect();
    match times[..] {
        [user, system] => Ok((user + system) * TICK_US),
        [..] => Err(format!("the CPU time of process {pid} cannot be read").into()),
    }
}

/// A process's resident memory now and at its highest, in KiB (`VmRSS` and `VmHWM` of proc(5)).
///
/// # Errors
/// If there is no such process.
pub fn resident_kib(pid: u32) -> Result<[u64; 2], Error> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let of = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let kib = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
        kib.ok_or_else(|| format!("the memory of process {pid} cannot be read"))
    };
    Ok([of("VmRSS:")?, of("VmHWM:")?])
}
