//! Who has voted on a day, within one partition: the state that deduplication needs.
//!
//! A set never evicts and never holds more than its limit: whoever fills it asks for
//! [`VoterSet::room`] first. Ids are pseudonyms, uniform already, so their low half is the hash;
//! whoever could choose ids could make it slow. Never here: a set filled in another's order.

use std::hint::black_box;

use crate::VoterId;

/// The voters counted on one day in one partition: a table with linear probing, in the order of
/// their hashes.
///
/// Memory follows the voters, not the limit: when three of four slots are taken the table grows by
/// half, in place, which in this order is one pass over it. A voter takes 21 to 32 bytes.
#[derive(Debug, Clone)]
pub struct VoterSet {
    /// Ids as numbers, 0 in a vacant slot; there always is one.
    slots: Vec<u128>,
    /// Whether the voter whose id is 0 is marked.
    zero: bool,
    len: usize,
    /// How many it takes before it grows.
    room: usize,
    limit: usize,
}

const VACANT: u128 = 0;
/// 64 KB.
const SLOTS_FIRST: usize = 4_096;

impl VoterSet {
    /// An empty set that takes `limit` voters at most.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self::with_slots(SLOTS_FIRST, limit)
    }

    fn with_slots(slots: usize, limit: usize) -> Self {
        let mut set = Self { slots: Vec::new(), zero: false, len: 0, room: 0, limit };
        set.spread(slots);
        set
    }

    /// Marks a voter; false if they were marked before.
    ///
    /// # Panics
    /// When a new voter comes to a full set: check [`VoterSet::room`] before.
    pub fn insert(&mut self, voter: VoterId) -> bool {
        let id = number(voter);
        let new = if id == VACANT {
            !std::mem::replace(&mut self.zero, true)
        } else {
            let at = self.slot(id);
            std::mem::replace(&mut self.slots[at], id) == VACANT
        };
        self.len += usize::from(new);
        assert!(self.len <= self.limit, "a voter set was filled beyond its limit");
        if self.len > self.room {
            self.spread(self.slots.len() + self.slots.len() / 2 + 1);
        }
        new
    }

    /// Marks up to 64 voters; bit `i` of the answer says that the `i`th had not been marked.
    ///
    /// # Panics
    /// As [`VoterSet::insert`].
    pub(crate) fn insert_all(&mut self, voters: impl Iterator<Item = VoterId> + Clone) -> u64 {
        // A large set is in no cache. Reads that nothing depends on are waited for together; those
        // of `insert`, where each decides a branch, hardly are. Four slots are a cache line.
        let looked_at = |voter| {
            let at = self.first_slot(number(voter));
            self.slots[at] | self.slots[(at + 4).min(self.slots.len() - 1)]
        };
        black_box(voters.clone().fold(0, |read, voter| read | looked_at(voter)));
        (0..64).zip(voters).fold(0, |new, (at, voter)| new | u64::from(self.insert(voter)) << at)
    }

    /// Whether a voter is marked.
    #[must_use]
    pub fn contains(&self, voter: VoterId) -> bool {
        let id = number(voter);
        if id == VACANT { self.zero } else { self.slots[self.slot(id)] == id }
    }

    /// How many voters are marked.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether nobody is marked.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// How many more voters it takes.
    #[must_use]
    pub const fn room(&self) -> usize {
        self.limit.saturating_sub(self.len)
    }

    /// Bytes the set has reserved.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.slots.capacity() * size_of::<u128>()
    }

    /// Spreads out over so many slots, or over as many as a full set needs: its limit decides that,
    /// not the next power of two.
    fn spread(&mut self, slots: usize) {
        let needed = self.limit.saturating_add(self.limit / 3 + 1);
        let (before, slots) = (self.slots.len(), slots.min(needed));
        self.room = if slots == needed { self.limit } else { slots / 4 * 3 };
        // The system maps what is there to a new place and does not copy it.
        self.slots.reserve_exact(slots - before);
        self.slots.resize(slots, VACANT);
        // From the end, as nearly every id belongs behind where it is. The few others, of the first
        // and the last slots, wait until all places are free.
        let mut others = Vec::new();
        for from in (0..before).rev() {
            let id = std::mem::replace(&mut self.slots[from], VACANT);
            if id == VACANT {
                continue;
            }
            // None that is still to move may be between where its search begins and where it ends.
            let first = self.first_slot(id);
            let to = self.slot(id);
            if from <= first && first <= to {
                self.slots[to] = id;
            } else {
                others.push(id);
            }
        }
        for id in others {
            let to = self.slot(id);
            self.slots[to] = id;
        }
    }

    /// Where an id is, or the vacant slot where it belongs.
    fn slot(&self, id: u128) -> usize {
        let mut at = self.first_slot(id);
        while self.slots[at] != VACANT && self.slots[at] != id {
            at = if at + 1 == self.slots.len() { 0 } else { at + 1 };
        }
        at
    }

    /// Where the search for an id begins: its low half scaled down to the slots. Pseudonyms are
    /// uniform; the multiplication is for ids that are not, such as those of tests.
    fn first_slot(&self, id: u128) -> usize {
        #[expect(clippy::cast_possible_truncation, reason = "the low half is what is wanted")]
        let spread = (id as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        usize::try_from((u128::from(spread) * self.slots.len() as u128) >> 64).unwrap_or(0)
    }
}

fn number(voter: VoterId) -> u128 {
    u128::from(voter.high) << 64 | u128::from(voter.low)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn voters_of_equal_low_halves_are_different_voters() {
        let mut set = VoterSet::new(3);
        assert!(set.insert(VoterId { high: 1, low: 9 }));
        assert!(set.insert(VoterId { high: 2, low: 9 }));
        assert!(!set.insert(VoterId { high: 1, low: 9 }));
        assert_eq!((set.len(), set.room()), (2, 1));
        assert!(set.contains(VoterId { high: 2, low: 9 }));
    }

    #[test]
    fn memory_follows_the_voters_up_to_what_the_limit_needs() {
        for limit in [1_000, 57_345, 65_536, 65_537] {
            let mut set = VoterSet::new(limit);
            assert!(set.bytes() <= SLOTS_FIRST * 16);
            for (voter, marked) in (0..limit as u64).zip(1..) {
                set.insert(VoterId { high: 7, low: voter.wrapping_mul(0x2545_f491_4f6c_dd1d) });
                let most = (32 * marked + 512).max(SLOTS_FIRST * 16);
                assert!((21 * marked..=most).contains(&set.bytes()), "{marked}: {}", set.bytes());
            }
            assert!(set.bytes() <= 64 * limit / 3 + 16, "{} for {limit}", set.bytes());
            assert_eq!((set.len(), set.room()), (limit, 0));
        }
    }

    #[test]
    #[should_panic = "filled beyond its limit"]
    fn a_new_voter_is_too_much_for_a_full_set() {
        let mut set = VoterSet::new(1);
        assert!(set.insert(VoterId { high: 0, low: 0 }));
        assert!(!set.insert(VoterId { high: 0, low: 0 }), "who is marked asks for no room");
        set.insert(VoterId { high: 0, low: 1 });
    }

    /// Few ids, the vacant slot's number among them, and many that want the same slot: the last of
    /// the table, so that the search goes on at its beginning.
    fn any_voter() -> impl Strategy<Value = VoterId> {
        // Of all numbers the greatest when multiplied by the set's constant.
        let last = 0x0e21_7c1e_66c8_8cc3;
        (0u64..9, prop_oneof![Just(0), Just(last), 0u64..9, any::<u64>()])
            .prop_map(|(high, low)| VoterId { high, low })
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..Default::default() })]

        #[test]
        fn a_set_is_the_standard_librarys_whether_filled_one_by_one_or_in_blocks(
            blocks in vec(vec(any_voter(), 0..=64), 0..12),
            slots in 1usize..40,
        ) {
            let mut model = HashSet::new();
            let all = blocks.iter().flatten().map(|voter| voter.to_bytes()).collect::<HashSet<_>>();
            // Full at the end, to the last voter.
            let set = || VoterSet::with_slots(slots, all.len());
            let (mut one_by_one, mut set) = (set(), set());
            for block in &blocks {
                let new = set.insert_all(block.iter().copied());
                for (at, voter) in block.iter().enumerate() {
                    let expected = model.insert(voter.to_bytes());
                    prop_assert_eq!(new >> at & 1 == 1, expected);
                    prop_assert_eq!(one_by_one.contains(*voter), !expected);
                    prop_assert_eq!(one_by_one.insert(*voter), expected);
                }
                prop_assert_eq!((set.len(), one_by_one.len()), (model.len(), model.len()));
                for voter in blocks.iter().flatten() {
                    prop_assert_eq!(set.contains(*voter), model.contains(&voter.to_bytes()));
                }
            }
            prop_assert_eq!((set.room(), set.is_empty()), (0, all.is_empty()));
        }
    }
}
