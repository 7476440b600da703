//! The domain of Weir, pure: campaign and rules, voter and token, ballot and batch, fold and tally,
//! snapshot, document and receipt.
//!
//! No runtime, no I/O, no clock, no randomness: time and keys are arguments. What the fold depends
//! on is in the journal, so a result can be recounted anywhere from the same bytes.

mod batch;
mod campaign;
mod choices;
mod columns;
mod count;
mod digest;
mod document;
mod fold;
mod ids;
mod outcome;
mod places;
#[cfg(feature = "planted")]
pub mod planted;
mod receipt;
mod record;
mod risk;
mod rules;
mod snapshot;
mod tally;
mod token;
mod voter;
mod voter_set;
mod voters;
mod wire;

pub use batch::{Ballot, Batch, BatchBuilder};
pub use campaign::{
    Campaign, CampaignError, Challenge, Choice, Identity, LocalTime, Mode, Problem, Results,
    local_date,
};
pub use choices::{CHOICES_MAX, ChoiceSet, words_for};
pub use digest::{Digest, Hash, content_hash};
pub use document::{DayDocument, PartitionDocument, TallyDocument};
pub use fold::{Applied, Fold, RULES_MAX, Stop};
pub use ids::{JournalId, NotADay, VotingDay, hex, rfc3339, unhex};
pub use outcome::{Outcome, OutcomeScan};
pub use receipt::{NotAReceipt, Receipt};
pub use record::{Close, Record, RecordError};
pub use risk::Risk;
pub use rules::{DAYS_MAX, Day, Difference, FOLD_VERSION, PARTITIONS_MAX, Rules, Verdict};
pub use snapshot::{NotASnapshot, Snapshot};
pub use tally::{DayTally, Days, Outcomes};
pub use token::{TOKEN_CHARS, Token, TokenError, TokenKeys, TokenKeysError};
pub use voter::{PseudonymKey, VoterId};
pub use voter_set::VoterSet;
pub use voters::{VoterHasher, VoterMap, Voters, voters_per_partition};
