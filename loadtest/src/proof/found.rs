//! What does not fit, by kind, with a few examples of each.
//!
//! Never here: a decision what fits.

use std::collections::BTreeMap;

/// Examples that are kept of a kind.
const EXAMPLES_MAX: usize = 3;

/// The kinds of mismatch, the worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Acknowledged in time, and not counted.
    Lost,
    /// Counted more than once.
    Double,
    /// Counted, and nobody sent it.
    Unsent,
    /// A receipt names a place where its ballot is not.
    Receipt,
    /// Two documents differ that must not.
    Differs,
    /// The tally has not caught up.
    Behind,
}

impl Kind {
    const fn sentence(self) -> &'static str {
        match self {
            Self::Lost => "lost (acknowledged and not counted)",
            Self::Double => "double (counted more than once)",
            Self::Unsent => "unsent (counted and never sent)",
            Self::Receipt => "receipts (the ballot is not where its receipt says)",
            Self::Differs => "differences",
            Self::Behind => "behind",
        }
    }
}

/// What does not fit.
#[derive(Debug, Clone, Default)]
pub struct Found(BTreeMap<Kind, (u64, Vec<String>)>);

impl Found {
    /// Adds so many of a kind, with an example if there is still room for it.
    pub fn add(&mut self, kind: Kind, count: u64, example: impl FnOnce() -> String) {
        let (sum, examples) = self.0.entry(kind).or_default();
        *sum += count;
        if examples.len() < EXAMPLES_MAX {
            examples.push(example());
        }
    }

    /// How many of a kind there are.
    #[must_use]
    pub fn count(&self, kind: Kind) -> u64 {
        self.0.get(&kind).map_or(0, |(count, _)| *count)
    }

    /// A sentence for each kind, with its examples.
    #[must_use]
    pub fn sentences(&self) -> Vec<String> {
        let sentence = |(kind, (count, examples)): (&Kind, &(u64, Vec<String>))| {
            format!("{count} {}: {}", kind.sentence(), examples.join("; "))
        };
        self.0.iter().map(sentence).collect()
    }
}
