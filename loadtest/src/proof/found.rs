//! What does not fit, by kind, with examples of each.
//!
//! Invariant: what is not told by name is told by number. Never here: a decision what fits.

use std::collections::BTreeMap;

/// Examples that are kept of a kind: all of what a fault in one of 100,000 does to a million.
const EXAMPLES_MAX: usize = 20;

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
pub struct Found(BTreeMap<Kind, OfKind>);

#[derive(Debug, Clone, Default)]
struct OfKind {
    count: u64,
    examples: Vec<String>,
    /// Examples there was no room for.
    untold: u64,
}

impl Found {
    /// Adds so many of a kind, with an example if there is still room for it.
    pub fn add(&mut self, kind: Kind, count: u64, example: impl FnOnce() -> String) {
        let of_kind = self.0.entry(kind).or_default();
        of_kind.count += count;
        if of_kind.examples.len() < EXAMPLES_MAX {
            of_kind.examples.push(example());
        } else {
            of_kind.untold += 1;
        }
    }

    /// How many of a kind there are.
    #[must_use]
    pub fn count(&self, kind: Kind) -> u64 {
        self.0.get(&kind).map_or(0, |of_kind| of_kind.count)
    }

    /// A sentence for each example, the first of a kind with their number.
    #[must_use]
    pub fn sentences(&self) -> Vec<String> {
        let mut sentences = Vec::new();
        for (kind, OfKind { count, examples, untold }) in &self.0 {
            let kind = kind.sentence();
            for (number, example) in examples.iter().enumerate() {
                let count = if number == 0 { format!("{count} ") } else { String::new() };
                sentences.push(format!("{count}{kind}: {example}"));
            }
            if *untold > 0 {
                sentences.push(format!("{kind}: and {untold} more that are not named here"));
            }
        }
        sentences
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_example_has_a_sentence_and_those_beyond_are_told_by_their_number() {
        let mut found = Found::default();
        (0..25).for_each(|number| found.add(Kind::Lost, 1, || format!("voter {number}")));
        found.add(Kind::Double, 7, || "a day".to_owned());
        let sentences = found.sentences();
        assert_eq!(sentences.len(), EXAMPLES_MAX + 2);
        assert_eq!(sentences[0], "25 lost (acknowledged and not counted): voter 0");
        assert_eq!(sentences[1], "lost (acknowledged and not counted): voter 1");
        assert!(sentences[EXAMPLES_MAX].ends_with("and 5 more that are not named here"));
        assert_eq!(sentences[EXAMPLES_MAX + 1], "7 double (counted more than once): a day");
    }
}
