//! A voter as everything past the edge knows them: a 128-bit pseudonym under the campaign's key.
//!
//! The raw identity goes into [`PseudonymKey::voter`] and nowhere else. The partition function is
//! frozen: changing it would move voters between partitions and count them twice.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// A voter's pseudonym: the first 16 bytes of an HMAC-SHA256, big-endian.
///
/// The high half picks the partition, the low half is the hash in voter sets, so that within a
/// partition the set's hash is still uniform.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct VoterId {
    /// The first eight bytes.
    pub high: u64,
    /// The last eight bytes.
    pub low: u64,
}

impl VoterId {
    /// The id of these sixteen bytes.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        let id = u128::from_be_bytes(bytes);
        #[expect(clippy::cast_possible_truncation, reason = "the low half is what is wanted")]
        let low = id as u64;
        Self { high: (id >> 64) as u64, low }
    }

    /// The sixteen bytes.
    #[must_use]
    pub fn to_bytes(self) -> [u8; 16] {
        (u128::from(self.high) << 64 | u128::from(self.low)).to_be_bytes()
    }

    /// The partition of `0..partitions` in which this voter's ballots belong: `high` scaled down,
    /// that is `⌊high × partitions / 2⁶⁴⌋`. The number comes from the rules record.
    #[must_use]
    pub fn partition(self, partitions: u32) -> u32 {
        let scaled = (u128::from(self.high) * u128::from(partitions)) >> 64;
        u32::try_from(scaled).unwrap_or(0)
    }
}

impl fmt::Debug for VoterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VoterId({:016x}{:016x})", self.high, self.low)
    }
}

/// The key that turns identities into pseudonyms. One per campaign; destroying it makes the
/// pseudonyms of that campaign meaningless for good.
#[derive(Clone)]
pub struct PseudonymKey {
    mac: Hmac<Sha256>,
}

impl PseudonymKey {
    /// The key of these 32 secret bytes.
    #[must_use]
    pub fn new(secret: &[u8; 32]) -> Self {
        Self { mac: keyed(secret) }
    }

    /// The pseudonym of an identity, such as an openid.
    #[must_use]
    pub fn voter(&self, identity: &[u8]) -> VoterId {
        VoterId::from_bytes(self.first_16(b"voter\0", identity))
    }

    /// Names the key without giving it away; goes into the rules record, so that a process with
    /// another key is refused instead of counting every voter a second time.
    #[must_use]
    pub fn fingerprint(&self) -> [u8; 16] {
        self.first_16(b"fingerprint\0", b"weir")
    }

    fn first_16(&self, purpose: &[u8], message: &[u8]) -> [u8; 16] {
        let mut mac = self.mac.clone();
        mac.update(purpose);
        mac.update(message);
        let mut first = [0; 16];
        first.copy_from_slice(&mac.finalize().into_bytes()[..16]);
        first
    }
}

impl fmt::Debug for PseudonymKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PseudonymKey(..)")
    }
}

pub(crate) fn keyed(secret: &[u8; 32]) -> Hmac<Sha256> {
    Hmac::new_from_slice(secret).expect("HMAC takes a key of any length")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Frozen. If this fails, the partition function changed and every running campaign breaks.
    #[test]
    fn the_partition_of_these_voters_never_changes() {
        let vectors: [(u64, u32, u32); 9] = [
            (0, 16, 0),
            (u64::MAX, 16, 15),
            (1 << 63, 16, 8),
            ((1 << 63) - 1, 16, 7),
            (0x1234_5678_9abc_def0, 16, 1),
            (0x1234_5678_9abc_def0, 12, 0),
            (0xfedc_ba98_7654_3210, 64, 63),
            (0xfedc_ba98_7654_3210, 1, 0),
            (0x5555_5555_5555_5556, 3, 1),
        ];
        for (high, partitions, expected) in vectors {
            let voter = VoterId { high, low: 7 };
            assert_eq!(voter.partition(partitions), expected, "{high:#x} of {partitions}");
        }
    }

    #[test]
    fn a_pseudonym_depends_on_key_and_identity_and_is_frozen() {
        let key = PseudonymKey::new(&[7; 32]);
        let voter = key.voter(b"openid-1");
        assert_eq!(format!("{voter:?}"), "VoterId(2fa60dc86de11c5a7996802b77950c5b)");
        assert_ne!(voter, key.voter(b"openid-2"));
        assert_ne!(voter, PseudonymKey::new(&[8; 32]).voter(b"openid-1"));
        assert_eq!(VoterId::from_bytes(voter.to_bytes()), voter);
        assert_ne!(key.fingerprint(), PseudonymKey::new(&[8; 32]).fingerprint());
        assert_ne!(key.fingerprint(), voter.to_bytes());
    }
}
