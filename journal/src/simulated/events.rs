//! The event log of a simulation: what happened when, as lines, and a hash over all of them.
//!
//! Two runs of one schedule must leave the same hash; the kept lines say where they parted. Only
//! what is determined by the seed and the calls may be written here.

use std::collections::VecDeque;
use std::fmt;

/// Lines, of which the last are kept, and the running hash of every one.
#[derive(Debug)]
pub(super) struct Events {
    lines_max: Option<usize>,
    lines: VecDeque<String>,
    hash: Fnv,
}

impl Events {
    pub(super) const fn new(lines_max: Option<usize>) -> Self {
        Self { lines_max, lines: VecDeque::new(), hash: Fnv::new() }
    }

    /// Adds the line `{at_ms} {event}`.
    pub(super) fn note(&mut self, at_ms: u64, event: fmt::Arguments<'_>) {
        let Some(lines_max) = self.lines_max else {
            return;
        };
        let line = format!("{at_ms} {event}");
        self.hash.feed(line.as_bytes());
        self.hash.feed(b"\n");
        if lines_max > 0 {
            if self.lines.len() >= lines_max {
                drop(self.lines.pop_front());
            }
            self.lines.push_back(line);
        }
    }

    pub(super) fn lines(&self) -> Vec<String> {
        self.lines.iter().cloned().collect()
    }

    pub(super) const fn hash(&self) -> u64 {
        self.hash.0
    }
}

/// FNV-1a, 64 bits: small, stable, and no defence against anyone.
#[derive(Debug)]
pub(super) struct Fnv(u64);

impl Fnv {
    const fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    fn feed(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    /// A value's mark in the event log.
    pub(super) fn of(bytes: &[u8]) -> u64 {
        let mut hash = Self::new();
        hash.feed(bytes);
        hash.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_covers_the_lines_that_are_no_longer_kept() {
        let mut short = Events::new(Some(1));
        let mut other = Events::new(Some(1));
        short.note(1, format_args!("a"));
        other.note(1, format_args!("b"));
        short.note(2, format_args!("c"));
        other.note(2, format_args!("c"));
        assert_eq!(short.lines(), ["2 c"]);
        assert_eq!(short.lines(), other.lines());
        assert_ne!(short.hash(), other.hash());
    }

    #[test]
    fn a_log_that_is_off_keeps_nothing() {
        let mut off = Events::new(None);
        let before = off.hash();
        off.note(1, format_args!("a"));
        assert_eq!((off.lines().len(), off.hash()), (0, before));
    }
}
