//! Defects planted on purpose. The simulation switches each on in turn and must notice: a test that
//! passes with any of these would also pass over the real mistake.

/// A mistake somebody could make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Planted {
    /// Counting goes on after an assignment without marking who has voted.
    RebuildSkipped,
    /// The frontier is stored before the records below it are in the snapshot.
    FrontierBeforeSnapshot,
    /// A batch that is read a second time is folded a second time.
    BatchFoldedTwice,
    /// A snapshot is taken when half of a batch has been folded.
    SnapshotMidBatch,
    /// A day's voters are forgotten when the clock says the day is over.
    DayDroppedByClock,
    /// Two assignments of one partition use the same voter sets.
    SetSharedByAssignments,
    /// A lower snapshot that follows our own is left standing, and believed.
    StaleSnapshotKept,
    /// The worker panics at the first batch.
    WorkerPanics,
    /// Ballots that did not count mark their voters in the rebuild.
    InvalidMarksVoter,
}
