//! What was sent and told, two bytes for each voter and day that was reached.
//!
//! Invariant: a flag that is set stays set, so threads may note in any order. Memory comes in pages
//! of 128 KiB as voters are reached: ten million voters take 20 MB a day. Never here: a ballot;
//! choices follow from the population.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU16, Ordering};

use crate::population::VARIATIONS;

/// Voters of a page.
const PAGE: usize = 1 << 16;

/// What is known of one voter on one day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Cell(u16);

impl Cell {
    /// A request was sent, whatever came of it.
    pub const SENT: Self = Self(1 << 4);
    /// 202.
    pub const ACKNOWLEDGED: Self = Self(1 << 5);
    /// 503 of the journal, or no answer.
    pub const IN_DOUBT: Self = Self(1 << 6);
    /// 409: there is an acknowledged ballot.
    pub const ALREADY: Self = Self(1 << 7);
    /// The log has a ballot that counts. Set by the proof.
    pub const COUNTED: Self = Self(1 << 8);
    /// The log has a ballot behind the day's close. Set by the proof.
    pub const LATE: Self = Self(1 << 9);
    /// Behind the ballot that counts the log has another in time, which does not. Set by the proof.
    pub const AGAIN: Self = Self(1 << 10);

    /// This variation of the voter's ballots may be in the log.
    #[must_use]
    pub fn possible(variation: u8) -> Self {
        Self(1 << (variation % VARIATIONS))
    }

    /// Both.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether any flag of `other` is set.
    #[must_use]
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// The variations that may be in the log.
    pub fn variations(self) -> impl Iterator<Item = u8> {
        (0..VARIATIONS).filter(move |variation| self.has(Self::possible(*variation)))
    }
}

/// What is known of every voter and day.
#[derive(Debug)]
pub struct Notes {
    /// By day, then by page.
    pages: Vec<Vec<OnceLock<Box<[AtomicU16]>>>>,
}

impl Notes {
    /// Nothing yet, of so many voters on so many days.
    #[must_use]
    pub fn new(voters: u64, days: usize) -> Self {
        let voters = usize::try_from(voters).unwrap_or(usize::MAX);
        let day = || (0..voters.div_ceil(PAGE)).map(|_| OnceLock::new()).collect();
        Self { pages: (0..days).map(|_| day()).collect() }
    }

    /// Adds flags; answers what was there before.
    pub fn add(&self, voter: u64, day: usize, flags: Cell) -> Cell {
        let voter = usize::try_from(voter).unwrap_or(usize::MAX);
        let page = self.pages.get(day).and_then(|pages| pages.get(voter / PAGE));
        let Some(page) = page else { return Cell::default() };
        let page = page.get_or_init(|| (0..PAGE).map(|_| AtomicU16::new(0)).collect());
        // Relaxed: the proof reads after the threads have been joined, which orders everything.
        Cell(page[voter % PAGE].fetch_or(flags.0, Ordering::Relaxed))
    }

    /// What is known of a voter on a day.
    #[must_use]
    pub fn cell(&self, voter: u64, day: usize) -> Cell {
        let voter = usize::try_from(voter).unwrap_or(usize::MAX);
        let page = self.pages.get(day).and_then(|pages| pages.get(voter / PAGE)?.get());
        page.map_or(Cell::default(), |page| Cell(page[voter % PAGE].load(Ordering::Relaxed)))
    }

    /// Every voter and day of which something is known: voter, day and what.
    pub fn known(&self) -> impl Iterator<Item = (u64, usize, Cell)> + Clone {
        self.pages.iter().enumerate().flat_map(|(day, pages)| {
            let pages = pages.iter().enumerate();
            let reached = pages.filter_map(|(number, page)| Some((number, page.get()?)));
            reached.flat_map(move |(number, page)| {
                let cells = (number as u64 * PAGE as u64..).zip(page);
                let cells = cells
                    .map(move |(voter, cell)| (voter, day, Cell(cell.load(Ordering::Relaxed))));
                cells.filter(|(_, _, cell)| *cell != Cell::default())
            })
        })
    }

    /// Bytes of the pages that were reached.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let reached = self.pages.iter().flatten().filter(|page| page.get().is_some());
        reached.count() * PAGE * size_of::<AtomicU16>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_add_up_by_voter_and_day_and_untouched_pages_cost_nothing() {
        let notes = Notes::new(100_000_000, 2);
        assert_eq!(notes.bytes(), 0);
        let first = Cell::SENT.and(Cell::possible(3));
        assert_eq!(notes.add(99_999_999, 1, first), Cell::default());
        assert_eq!(notes.add(99_999_999, 1, Cell::ACKNOWLEDGED), first);
        let both = first.and(Cell::ACKNOWLEDGED);
        assert_eq!(notes.cell(99_999_999, 1), both);
        assert_eq!(notes.cell(99_999_999, 0), Cell::default());
        assert_eq!(both.variations().collect::<Vec<_>>(), [3]);
        assert_eq!(notes.known().collect::<Vec<_>>(), [(99_999_999, 1, both)]);
        assert_eq!(notes.bytes(), 2 * PAGE);
    }
}
