//! What the proof found, in words that need no knowledge of the system.
//!
//! Invariant: nothing is called proven without a proof that compared something. Never here: a
//! mismatch softened by a share ("only 0.001 %").

use crate::record::{Made, Proof, Record};
use crate::report::words::{duration, many, thousands};

/// How a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Compared, and equal.
    Proven,
    /// Compared, and different.
    Mismatch,
    /// Not compared, or there was nothing to compare.
    Unknown,
}

impl Standing {
    /// Its name in JSON, plain lines and as a CSS class.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Proven => "proven",
            Self::Mismatch => "mismatch",
            Self::Unknown => "unknown",
        }
    }
}

/// The proof in words.
#[derive(Debug, Clone)]
pub(crate) struct Verdict {
    pub(crate) standing: Standing,
    /// One sentence.
    pub(crate) headline: String,
    /// What stands behind it, and a sentence per example.
    pub(crate) sentences: Vec<String>,
}

impl Verdict {
    /// Of a run, with a proof or without.
    pub(crate) fn of(record: &Record) -> Self {
        let Some(proof) = &record.proof else {
            return Self {
                standing: Standing::Unknown,
                headline: "No proof was made.".to_owned(),
                sentences: vec![
                    "The tally was not compared with what was sent: this report says how fast \
                     the run was, not whether it was counted right."
                        .to_owned(),
                ],
            };
        };
        let found = mismatches(proof);
        let (standing, headline) = if !found.is_empty() {
            (Standing::Mismatch, format!("{}.", joined(&found)))
        } else if proof.acknowledged == 0 && proof.in_doubt == 0 {
            (Standing::Unknown, "Nothing was acknowledged, so nothing was proven.".to_owned())
        } else {
            (Standing::Proven, "Nothing was lost, and nothing was counted twice.".to_owned())
        };
        Self { standing, headline, sentences: sentences(proof, standing) }
    }
}

fn mismatches(proof: &Proof) -> Vec<String> {
    let were = |count: u64| if count == 1 { "was" } else { "were" };
    let mut found = Vec::new();
    if proof.lost > 0 {
        let lost = many(proof.lost, "acknowledged ballot");
        found.push(format!("{lost} {} lost", were(proof.lost)));
    }
    if proof.double > 0 {
        let double = many(proof.double, "voter");
        found.push(format!("{double} {} counted more than once in a day", were(proof.double)));
    }
    if proof.unsent > 0 {
        let unsent = many(proof.unsent, "ballot");
        found.push(format!("{unsent} {} counted that nobody sent", were(proof.unsent)));
    }
    found
}

/// `a`, `a and b`, `a, b and c`.
fn joined(parts: &[String]) -> String {
    match parts {
        [] => String::new(),
        [only] => only.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

fn sentences(proof: &Proof, standing: Standing) -> Vec<String> {
    let mut said = Vec::new();
    let acknowledged = many(proof.acknowledged, "ballot");
    match (standing, proof.made) {
        (Standing::Proven, Made::FromLog) => said.push(format!(
            "Every one of the {acknowledged} acknowledged in time was found in the journal with \
             the choices that were sent, and the tally is what the journal makes it."
        )),
        (Standing::Proven, Made::FromTally) => said.push(format!(
            "The tally grew by the {acknowledged} acknowledged in time, for each day and choice \
             as they were sent. These are totals: single ballots were not looked at but for a \
             sample of receipts."
        )),
        (Standing::Mismatch, Made::FromTally) if proof.acknowledged > 0 => said.push(format!(
            "{acknowledged} acknowledged in time were compared with the tally's totals, which show \
             how many are wrong and not whose: the proof from the journal does."
        )),
        (Standing::Mismatch | Standing::Unknown, _) if proof.acknowledged > 0 => said.push(
            format!("{acknowledged} acknowledged in time were compared with journal and tally."),
        ),
        (Standing::Mismatch | Standing::Unknown, _) => {}
    }
    if proof.in_doubt > 0 {
        said.push(format!(
            "{} stayed without an answer that settled it (the server could not say, or no reply \
             came): {} of them \
             counted, which is right either way.",
            many(proof.in_doubt, "more ballot"),
            thousands(proof.in_doubt_counted)
        ));
    }
    let took = duration(proof.caught_up_ms.saturating_mul(1000));
    said.push(format!("The count had caught up {took} after the last ballot was sent."));
    said.extend(proof.examples.iter().cloned());
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_mismatch_is_named() {
        let proof = Proof { lost: 1, double: 2, unsent: 3_000, ..Proof::default() };
        assert_eq!(
            joined(&mismatches(&proof)),
            "1 acknowledged ballot was lost, 2 voters were counted more than once in a day and \
             3,000 ballots were counted that nobody sent"
        );
    }
}
