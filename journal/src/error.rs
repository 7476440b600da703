//! What can go wrong with a journal, sorted by what the caller may do about it.

/// Why an append was not acknowledged. The two cases are never mixed up: only the first says that
/// the record is certainly not in the log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AppendError {
    /// The record was not taken and never will be in the log.
    #[error("the journal took nothing: {0}")]
    Refused(String),
    /// The record may be in the log, now or later. Appending the same ballots again is safe.
    #[error("the fate of the append is not known: {0}")]
    InDoubt(String),
}

/// Why something could not be read, found or joined.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Try again later: broker away, file being reopened.
    #[error("the journal cannot be reached: {0}")]
    Unavailable(String),
    /// The records asked for are gone, or never were: outside `start..=end`.
    #[error(
        "partition {partition} holds the offsets {start}..{end}, and {offset} was asked for: \
         records are gone"
    )]
    OutOfRange {
        /// The partition.
        partition: u32,
        /// The offset asked for.
        offset: u64,
        /// The first offset there is.
        start: u64,
        /// The offset the next record will have.
        end: u64,
    },
    /// Trying again will not help: another process holds it, another shape, a damaged file.
    #[error("{0}")]
    Refused(String),
}
