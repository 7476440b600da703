//! The figures of a proof that held, for printing.

use std::fmt;

/// What a log and its load came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Summary {
    /// Voters of whom at least one request was sent.
    pub(crate) voters: u64,
    /// 202s.
    pub(crate) acknowledged: u64,
    /// Requests beyond each voter's first.
    pub(crate) repeats: u64,
    /// Voters without any 202, but with an attempt in doubt.
    pub(crate) in_doubt: u64,
    /// Of these, those that count on some day.
    pub(crate) in_doubt_counted: u64,
    /// Voters and days with a 202 of which every acknowledged ballot lies behind the day's close,
    /// and none counts.
    pub(crate) acknowledged_late: u64,
    /// Ballots that count.
    pub(crate) counted: u64,
    /// Ballots of voters who had been counted that day.
    pub(crate) duplicates: u64,
    /// Ballots behind their day's close, those behind the campaign's among them.
    pub(crate) late: u64,
    /// Ballots beyond those that the voter's 202s and attempts in doubt can have brought: appended
    /// more than once. Harmless, and to be looked into.
    pub(crate) surplus: u64,
    /// Ballots in the log.
    pub(crate) ballots: u64,
    /// Records in the log.
    pub(crate) records: u64,
    /// Those of them that hold ballots.
    pub(crate) batches: u64,
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { voters, acknowledged, repeats, in_doubt, in_doubt_counted, .. } = self;
        let Self { counted, duplicates, late, acknowledged_late, surplus, .. } = self;
        let Self { ballots, records, batches, .. } = self;
        // Hundredths, in whole numbers.
        let ratio = (ballots * 100).checked_div(*batches).unwrap_or(0);
        writeln!(
            f,
            "proof: {voters} voters, {acknowledged} acknowledgements, {repeats} retries and \
             repeats, {in_doubt} voters in doubt, of whom {in_doubt_counted} count"
        )?;
        writeln!(
            f,
            "{counted} ballots count, {duplicates} duplicates, {late} late, {acknowledged_late} \
             voter-days acknowledged too late to count, {surplus} appended more than once"
        )?;
        write!(
            f,
            "{records} records, {ballots} ballots in {batches} of them, {}.{:02} each",
            ratio / 100,
            ratio % 100
        )
    }
}
