//! The proof: what was counted, compared with what was sent and told.
//!
//! With the log it is exact: every voter-day has its expected ballot, and the tally is what the log
//! makes it. Without, only the tally's totals and a sample of receipts can be compared. Never here:
//! a verdict on something that was not looked at; [`Made`] says what was.

mod caught_up;
mod found;
mod log;
mod receipts;
mod totals;

use journal::Journal;

use crate::load::{Sample, Shared};
use crate::notes::Cell;
use crate::record::{Made, Proof};
use crate::target::Tally;

pub use caught_up::{CaughtUp, idle, quiet, reached};
pub use found::Found;
use found::Kind;

/// What a proof is made of.
#[derive(Debug, Clone, Copy)]
pub struct Evidence<'a> {
    /// What was sent and told.
    pub shared: &'a Shared,
    /// A sample of acknowledgements.
    pub samples: &'a [Sample],
    /// The tally before the load.
    pub before: &'a Tally,
    /// The tally after it.
    pub after: &'a Tally,
    /// How long the tally took to catch up.
    pub caught_up: CaughtUp,
}

/// Whether everything is as it must be.
#[must_use]
pub fn holds(proof: &Proof) -> bool {
    proof.lost == 0 && proof.double == 0 && proof.unsent == 0 && proof.examples.is_empty()
}

/// The proof from the whole log.
///
/// # Errors
/// A sentence: the log could not be read.
pub async fn from_log<J: Journal>(journal: &J, of: Evidence<'_>) -> Result<Proof, String> {
    let mut found = Found::default();
    let identity = journal.identity().to_string();
    if of.after.journal != identity {
        let told = format!("the tally is of journal {}, the log is {identity}", of.after.journal);
        found.add(Kind::Differs, 1, || told);
    }
    let counts = log::read(journal, of, &mut found).await?;
    let mut proof = Proof { made: Made::FromLog, ..voter_days(of, &mut found) };
    totals::compare_with_log(of, &counts, &mut found);
    Ok(finished(&mut proof, of, found))
}

/// The proof from the tally's totals, and from what the server says of some receipts.
pub async fn from_tally(of: Evidence<'_>) -> Proof {
    let mut found = Found::default();
    let mut proof = Proof::default();
    for (_, _, cell) in of.shared.notes.known() {
        let acknowledged = cell.has(Cell::ACKNOWLEDGED);
        proof.acknowledged += u64::from(acknowledged);
        proof.in_doubt += u64::from(!acknowledged && cell.has(Cell::IN_DOUBT));
    }
    proof.in_doubt_counted = totals::compare_within_doubt(of, &mut found);
    receipts::ask(of, &mut found).await;
    finished(&mut proof, of, found)
}

fn finished(proof: &mut Proof, of: Evidence<'_>, mut found: Found) -> Proof {
    if !of.caught_up.whole {
        found.add(Kind::Behind, 1, || {
            format!("the tally had not caught up {} ms after the load", of.caught_up.ms)
        });
    }
    let unsound = of.shared.unsound();
    if unsound > 0 {
        found.add(Kind::Differs, unsound, || {
            "ballots were acknowledged for a day that they were not sent for, or out of the window"
                .to_owned()
        });
    }
    proof.caught_up_ms = of.caught_up.ms;
    proof.lost = found.count(Kind::Lost);
    proof.double = found.count(Kind::Double);
    proof.unsent = found.count(Kind::Unsent);
    proof.examples = found.sentences();
    proof.clone()
}

/// Compares what every voter was told on each day with what the log has, which has been noted.
fn voter_days(of: Evidence<'_>, found: &mut Found) -> Proof {
    let Evidence { shared, .. } = of;
    let mut proof = Proof::default();
    for (voter, day, cell) in shared.notes.known() {
        let counted = cell.has(Cell::COUNTED);
        let accounted = counted || cell.has(Cell::LATE);
        if cell.has(Cell::ACKNOWLEDGED) {
            // Behind the day's close it was too late, whatever was told, and does not count.
            proof.acknowledged += u64::from(counted || !accounted);
            if !accounted {
                found.add(Kind::Lost, 1, || {
                    let ballots = ballots(shared, voter, cell);
                    let (who, day) = (shared.population.voter(voter), shared.days.text(day));
                    format!("{who:?} (number {voter}) on {day}, who sent {ballots}, has 202")
                });
            }
        } else if cell.has(Cell::IN_DOUBT) {
            proof.in_doubt += 1;
            proof.in_doubt_counted += u64::from(counted);
        } else if cell.has(Cell::ALREADY) && !accounted {
            found.add(Kind::Lost, 1, || {
                let (who, day) = (shared.population.voter(voter), shared.days.text(day));
                format!("{who:?} (number {voter}) on {day} was told 409 and has no ballot at all")
            });
        }
    }
    proof
}

/// The ballots of a voter that may be in the log, for a sentence.
fn ballots(shared: &Shared, voter: u64, cell: Cell) -> String {
    let ballots: Vec<String> = cell
        .variations()
        .map(|variation| numbers(&shared.population.choices(voter, variation)))
        .collect();
    ballots.join(" or ")
}

fn numbers(choices: &ballot::ChoiceSet) -> String {
    format!("{:?}", choices.iter().collect::<Vec<u32>>())
}
