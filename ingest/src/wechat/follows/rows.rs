//! The rows on the disk: who subscribes is which voter, and which voter follows.
//!
//! Invariant: the two tables say the same: a subscriber has one voter and a voter one subscriber,
//! and each row of one has its row in the other. What is done here is done in one transaction with
//! what else waits. Never here: a thread or a lock.

use ballot::VoterId;
use redb::{Database, Durability, Error, ReadableDatabase, Table, TableDefinition};

use super::Known;

/// (The other's pseudonym, since when they follow in seconds or 0, when we were told in ms.)
pub(super) type Row = (u128, u64, i64);

/// Subscriber -> voter.
const SUBSCRIBERS: TableDefinition<u128, Row> = TableDefinition::new("subscribers");
/// Voter -> subscriber.
const FOLLOWERS: TableDefinition<u128, Row> = TableDefinition::new("followers");

/// What is to be changed.
#[derive(Debug, Clone, Copy)]
pub(super) enum Change {
    Link { subscriber: VoterId, voter: VoterId, known: Known },
    Unsubscribed { subscriber: VoterId },
    Forget { voter: VoterId },
    Purge { before_ms: i64 },
}

/// What a change did.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Done {
    /// The voter whose rows it removed.
    pub(super) voter: Option<VoterId>,
    pub(super) purged: u64,
}

/// Makes the tables where there are none.
pub(super) fn prepare(database: &Database) -> Result<(), Error> {
    write(database, &[]).map(|_| ())
}

/// What is known of a voter.
pub(super) fn find(database: &Database, voter: VoterId) -> Result<Option<Known>, Error> {
    let followers = database.begin_read()?.open_table(FOLLOWERS)?;
    let row = followers.get(key(voter))?.map(|row| row.value());
    Ok(row.map(|(_, since_s, known_at_ms)| Known {
        follows: true,
        since_s: Some(since_s).filter(|since_s| *since_s > 0),
        known_at_ms,
    }))
}

/// Does these changes, all or none, durably.
pub(super) fn write(database: &Database, changes: &[Change]) -> Result<Vec<Done>, Error> {
    let mut transaction = database.begin_write()?;
    transaction.set_durability(Durability::Immediate).map_err(Error::from)?;
    let done = {
        let mut rows = Rows {
            subscribers: transaction.open_table(SUBSCRIBERS)?,
            followers: transaction.open_table(FOLLOWERS)?,
        };
        changes.iter().map(|change| rows.apply(*change)).collect::<Result<_, Error>>()?
    };
    transaction.commit()?;
    Ok(done)
}

struct Rows<'t> {
    subscribers: Table<'t, u128, Row>,
    followers: Table<'t, u128, Row>,
}

impl Rows<'_> {
    fn apply(&mut self, change: Change) -> Result<Done, Error> {
        let mut done = Done::default();
        match change {
            Change::Link { subscriber, voter, known } => {
                done.voter = self.remove_subscriber(key(subscriber))?.filter(|old| *old != voter);
                self.remove_voter(key(voter))?;
                let row = |other| (key(other), known.since_s.unwrap_or(0), known.known_at_ms);
                self.subscribers.insert(key(subscriber), row(voter))?;
                self.followers.insert(key(voter), row(subscriber))?;
            }
            Change::Unsubscribed { subscriber } => {
                done.voter = self.remove_subscriber(key(subscriber))?;
            }
            Change::Forget { voter } => {
                done.voter = Some(voter);
                self.remove_voter(key(voter))?;
            }
            Change::Purge { before_ms } => {
                let before = self.followers_count()?;
                self.followers.retain(|_, (.., known_at_ms)| known_at_ms >= before_ms)?;
                self.subscribers.retain(|_, (.., known_at_ms)| known_at_ms >= before_ms)?;
                done.purged = before.saturating_sub(self.followers_count()?);
            }
        }
        Ok(done)
    }

    fn followers_count(&self) -> Result<u64, Error> {
        Ok(redb::ReadableTableMetadata::len(&self.followers)?)
    }

    /// Removes a subscriber with their voter, whom it answers.
    fn remove_subscriber(&mut self, subscriber: u128) -> Result<Option<VoterId>, Error> {
        let row = self.subscribers.remove(subscriber)?.map(|row| row.value());
        let Some((voter, ..)) = row else { return Ok(None) };
        self.followers.remove(voter)?;
        Ok(Some(VoterId::from_bytes(voter.to_be_bytes())))
    }

    fn remove_voter(&mut self, voter: u128) -> Result<(), Error> {
        let row = self.followers.remove(voter)?.map(|row| row.value());
        if let Some((subscriber, ..)) = row {
            self.subscribers.remove(subscriber)?;
        }
        Ok(())
    }
}

fn key(voter: VoterId) -> u128 {
    u128::from_be_bytes(voter.to_bytes())
}

/// Every row of both tables, for tests.
#[cfg(test)]
pub(super) fn all(database: &Database) -> [Vec<(u128, Row)>; 2] {
    let transaction = database.begin_read().unwrap();
    [SUBSCRIBERS, FOLLOWERS].map(|table| {
        let table = transaction.open_table(table).unwrap();
        let rows = redb::ReadableTable::iter(&table).unwrap().map(Result::unwrap);
        rows.map(|(key, row)| (key.value(), row.value())).collect()
    })
}
