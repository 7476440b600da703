//! A process of the run, seen from both sides: it is told a line and answers a line, and its CPU
//! time is read from outside.
//!
//! Invariant: a child ends when its input does, so none outlives the run, however that ends.

use std::env;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child as Running, ChildStdin, ChildStdout, Command, Stdio};

use crate::plan::ROLE;
use crate::{Error, counting, edges, load};

pub(crate) const LOAD: &str = "load";
pub(crate) const COUNTING: &str = "counting";

/// Plays a role to its end.
pub(crate) fn play(role: &str) -> Result<(), Error> {
    match role {
        LOAD => load::run(),
        COUNTING => counting::run(),
        _ => edges::run(role),
    }
}

/// A process of the run, killed when this is dropped.
#[derive(Debug)]
pub(crate) struct Child {
    process: Running,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Child {
    /// Starts this program in a role.
    pub(crate) fn start(role: &str, told: &[(&str, String)]) -> Result<Self, Error> {
        let mut command = Command::new(env::current_exe()?);
        command.env(ROLE, role).envs(told.iter().map(|(name, value)| (name, value)));
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let orders = process.stdin.take().ok_or("a child without input")?;
        let answers = process.stdout.take().map(BufReader::new).ok_or("a child without output")?;
        Ok(Self { process, orders, answers })
    }

    pub(crate) fn tell(&mut self, order: &str) -> Result<(), Error> {
        Ok(writeln!(self.orders, "{order}")?)
    }

    /// Its next line, which begins with `word`; the rest of it, in words.
    pub(crate) fn hear(&mut self, word: &str) -> Result<Vec<String>, Error> {
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        let mut words = line.split_whitespace().map(str::to_owned);
        if words.next().as_deref() != Some(word) {
            return Err(format!("a process said {line:?} where {word:?} was expected").into());
        }
        Ok(words.collect())
    }

    /// The same, with numbers.
    pub(crate) fn hear_numbers<const N: usize>(&mut self, word: &str) -> Result<[u64; N], Error> {
        let words = self.hear(word)?;
        let numbers: Option<Vec<u64>> = words.iter().map(|word| word.parse().ok()).collect();
        let numbers = numbers.and_then(|numbers| numbers.try_into().ok());
        numbers.ok_or_else(|| format!("{word}: {words:?} are not {N} numbers").into())
    }

    pub(crate) fn cpu_us(&self) -> Result<u64, Error> {
        benches::cpu_us(self.process.id())
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}
