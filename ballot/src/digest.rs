//! The running digest of a partition: the head of an RFC 6962 Merkle tree over its records.
//!
//! Leaf `i` is the record at offset `i`, of every kind; its entry is the BLAKE3 hash of the value's
//! bytes (32 bytes), hashed as RFC 6962 §2.1 says: `SHA-256(0x00 ‖ entry)`, inner nodes
//! `SHA-256(0x01 ‖ left ‖ right)`. Only the right edge is kept, one hash per set bit of the size.

use sha2::{Digest as _, Sha256};

/// A 32-byte hash.
pub type Hash = [u8; 32];

/// BLAKE3 of some bytes: the entry of a record in the tree, and the name of any content elsewhere.
#[must_use]
pub fn content_hash(bytes: &[u8]) -> Hash {
    *blake3::hash(bytes).as_bytes()
}

/// The right edge of the tree over the first `size` records.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Digest {
    size: u64,
    edge: Vec<Hash>,
}

impl Digest {
    /// The tree of a size and its right edge, the largest subtree first; `None` if the number of
    /// hashes does not fit the size.
    #[must_use]
    pub fn from_edge(size: u64, edge: Vec<Hash>) -> Option<Self> {
        let fits = usize::try_from(size.count_ones()) == Ok(edge.len());
        fits.then_some(Self { size, edge })
    }

    /// Adds the next record.
    pub fn push(&mut self, value: &[u8]) {
        let entry = content_hash(value);
        let mut node: Hash = Sha256::new().chain_update([0]).chain_update(entry).finalize().into();
        for _ in 0..self.size.trailing_ones() {
            let left = self.edge.pop().expect("one hash per set bit of the size");
            node = inner(&left, &node);
        }
        self.edge.push(node);
        self.size += 1;
    }

    /// How many records are in the tree.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// The right edge: the hashes of the complete subtrees, the largest first.
    #[must_use]
    pub fn edge(&self) -> &[Hash] {
        &self.edge
    }

    /// The tree head; of the empty tree, the hash of nothing.
    #[must_use]
    pub fn head(&self) -> Hash {
        let mut rest = self.edge.iter().rev();
        match rest.next() {
            None => Sha256::digest([]).into(),
            Some(last) => rest.fold(*last, |right, left| inner(left, &right)),
        }
    }
}

fn inner(left: &Hash, right: &Hash) -> Hash {
    Sha256::new().chain_update([1]).chain_update(left).chain_update(right).finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The definition of RFC 6962 §2.1, word for word, as a second opinion.
    fn mth(entries: &[Hash]) -> Hash {
        match entries {
            [] => Sha256::digest([]).into(),
            [entry] => Sha256::digest([[0].as_slice(), entry.as_slice()].concat()).into(),
            [_, ..] => {
                let k = entries.len().next_power_of_two() / 2;
                let halves = [mth(&entries[..k]), mth(&entries[k..])].concat();
                Sha256::digest([[1].as_slice(), halves.as_slice()].concat()).into()
            }
        }
    }

    #[test]
    fn the_head_is_that_of_rfc_6962_at_every_size() {
        let mut digest = Digest::default();
        let mut entries = Vec::new();
        for i in 0u32..130 {
            assert_eq!(digest.head(), mth(&entries), "size {i}");
            assert_eq!(
                Digest::from_edge(digest.size(), digest.edge().to_vec()),
                Some(digest.clone())
            );
            digest.push(&i.to_le_bytes());
            entries.push(*blake3::hash(&i.to_le_bytes()).as_bytes());
        }
        assert_eq!(Digest::from_edge(3, vec![[0; 32]]), None);
    }
}
