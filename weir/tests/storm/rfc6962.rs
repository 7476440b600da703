//! The Merkle tree head of RFC 6962, section 2.1, written down as it is defined there: recursive,
//! over all leaves, with nothing kept. The running digest of the fold is compared with it.

use journal::Record;
use sha2::{Digest as _, Sha256};

/// MTH(D[n]) of the RFC.
pub(crate) fn rfc6962_head(leaves: &[Vec<u8>]) -> [u8; 32] {
    match leaves {
        [] => Sha256::digest([]).into(),
        [leaf] => Sha256::new().chain_update([0]).chain_update(leaf).finalize().into(),
        [_, _, ..] => {
            // k: the largest power of two smaller than n.
            let k = leaves.len().next_power_of_two() / 2;
            let (left, right) = leaves.split_at(k);
            let (left, right) = (rfc6962_head(left), rfc6962_head(right));
            Sha256::new().chain_update([1]).chain_update(left).chain_update(right).finalize().into()
        }
    }
}

/// The head over records, whose entries are BLAKE3 of their values, as the tally document has it.
pub(crate) fn head_of_records(records: &[Record]) -> String {
    let entry = |record: &Record| blake3::hash(&record.value).as_bytes().to_vec();
    let leaves: Vec<Vec<u8>> = records.iter().map(entry).collect();
    rfc6962_head(&leaves).iter().map(|byte| format!("{byte:02x}")).collect()
}
