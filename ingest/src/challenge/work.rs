//! Proof of work: a seed that only we can make, and a number that takes many hashes to find.
//!
//! Nothing is kept of either. A seed is its expiry and a seal over that and its voter, by the keys
//! of the campaign's tokens; so it is nobody else's, holds at every edge, and outlives a rotation
//! of the keys. Within its life it may be used again: a voter's second ballot of a day counts for
//! nothing. Never here: trust in anything of a seed before its seal.

use ballot::{TokenKeys, VoterId};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

use crate::metrics::ChallengeOutcome;

/// An old phone may need a minute for what takes a new one a second, and a voter look away.
pub(super) const LIFE_MS: i64 = 5 * 60_000;
const PURPOSE: &str = "work";
const EXPIRY: usize = 8;
const SEAL: usize = 16;
const SEED: usize = EXPIRY + SEAL;
/// No bits are left over: no two texts are the same seed.
const SEED_CHARS: usize = SEED / 3 * 4;
/// As many digits as every whole number that JavaScript knows.
const NONCE_CHARS_MAX: usize = 16;

/// A seed for a voter, and when it expires. With a dot and a number behind, it is one block for
/// SHA-256.
pub(super) fn seed(keys: &TokenKeys, voter: VoterId, now_ms: i64) -> (String, i64) {
    let expires_at_ms = now_ms.saturating_add(LIFE_MS);
    let mut seed = [0; SEED];
    let (expiry, seal) = seed.split_at_mut(EXPIRY);
    expiry.copy_from_slice(&expires_at_ms.to_be_bytes());
    seal.copy_from_slice(&keys.seal(PURPOSE, &sealed(voter, expiry)));
    (URL_SAFE_NO_PAD.encode(seed), expires_at_ms)
}

/// What `SEED NONCE` is worth.
pub(super) fn check(
    keys: &TokenKeys,
    bits: u32,
    (voter, now_ms): (VoterId, i64),
    solution: &[u8],
) -> ChallengeOutcome {
    let mut seed = [0; SEED];
    let Some((text, b' ', nonce)) = parts(solution) else { return ChallengeOutcome::Wrong };
    if !is_nonce(nonce) || URL_SAFE_NO_PAD.decode_slice(text, &mut seed).is_err() {
        return ChallengeOutcome::Wrong;
    }
    let (expiry, seal) = seed.split_at(EXPIRY);
    if !keys.is_sealed(PURPOSE, &sealed(voter, expiry), seal) {
        return ChallengeOutcome::Wrong;
    }
    let expires_at_ms = expiry.try_into().map_or(i64::MIN, i64::from_be_bytes);
    if now_ms >= expires_at_ms {
        return ChallengeOutcome::Expired;
    }
    let hash = Sha256::new().chain_update(text).chain_update(b".").chain_update(nonce).finalize();
    let zeros = u32::from_be_bytes([hash[0], hash[1], hash[2], hash[3]]).leading_zeros();
    if zeros >= bits { ChallengeOutcome::Solved } else { ChallengeOutcome::Wrong }
}

fn parts(solution: &[u8]) -> Option<(&[u8], u8, &[u8])> {
    let (seed, rest) = solution.split_at_checked(SEED_CHARS)?;
    let (between, nonce) = rest.split_first()?;
    Some((seed, *between, nonce))
}

fn is_nonce(nonce: &[u8]) -> bool {
    (1..=NONCE_CHARS_MAX).contains(&nonce.len()) && nonce.iter().all(u8::is_ascii_digit)
}

fn sealed(voter: VoterId, expiry: &[u8]) -> [u8; 16 + EXPIRY] {
    let mut sealed = [0; 16 + EXPIRY];
    sealed[..16].copy_from_slice(&voter.to_bytes());
    sealed[16..].copy_from_slice(expiry);
    sealed
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const BITS: u32 = 8;
    const NOW_MS: i64 = 1_700_000_000_000;
    const ANN: VoterId = VoterId { high: 1, low: 2 };
    const BEN: VoterId = VoterId { high: 1, low: 3 };

    fn keys(campaign: &str) -> TokenKeys {
        TokenKeys::new(campaign, &[(1, [1; 32])]).unwrap()
    }

    /// The first solution of a seed that has so many zero bits and no more than `most`.
    fn solved(seed: &str, bits: u32, most: u32) -> String {
        let zeros = |nonce: &u32| {
            let hash = Sha256::digest(format!("{seed}.{nonce}"));
            u32::from_be_bytes([hash[0], hash[1], hash[2], hash[3]]).leading_zeros()
        };
        let nonce = (0..).find(|nonce| (bits..=most).contains(&zeros(nonce))).unwrap();
        format!("{seed} {nonce}")
    }

    #[test]
    fn a_solution_is_its_voters_in_its_campaign_for_five_minutes() {
        let (seed, expires_at_ms) = seed(&keys("c"), ANN, NOW_MS);
        assert_eq!(expires_at_ms, NOW_MS + 300_000);
        let solution = solved(&seed, BITS, 32);
        let checked = |campaign, voter, now_ms| {
            check(&keys(campaign), BITS, (voter, now_ms), solution.as_bytes())
        };
        assert_eq!(checked("c", ANN, NOW_MS), ChallengeOutcome::Solved);
        assert_eq!(checked("c", ANN, expires_at_ms - 1), ChallengeOutcome::Solved);
        assert_eq!(checked("c", ANN, expires_at_ms), ChallengeOutcome::Expired);
        assert_eq!(checked("c", BEN, NOW_MS), ChallengeOutcome::Wrong);
        assert_eq!(checked("d", ANN, NOW_MS), ChallengeOutcome::Wrong);
    }

    #[test]
    fn a_bit_too_few_is_none_and_a_seed_outlives_a_rotation_of_the_keys() {
        let (seed, _) = seed(&keys("c"), ANN, NOW_MS);
        let checked = |keys: &TokenKeys, solution: &str| {
            check(keys, BITS, (ANN, NOW_MS), solution.as_bytes())
        };
        let short = solved(&seed, BITS - 1, BITS - 1);
        assert_eq!(checked(&keys("c"), &short), ChallengeOutcome::Wrong);
        let solution = solved(&seed, BITS, 32);
        let both = TokenKeys::new("c", &[(2, [2; 32]), (1, [1; 32])]).unwrap();
        assert_eq!(checked(&both, &solution), ChallengeOutcome::Solved);
        let new = TokenKeys::new("c", &[(2, [2; 32])]).unwrap();
        assert_eq!(checked(&new, &solution), ChallengeOutcome::Wrong);
    }

    #[test]
    fn a_solution_is_written_in_one_way_only() {
        let (seed, _) = seed(&keys("c"), ANN, NOW_MS);
        assert_eq!(seed.len(), SEED_CHARS);
        let solution = solved(&seed, BITS, 32);
        let (_, nonce) = solution.split_once(' ').unwrap();
        for other in [
            String::new(),
            seed.clone(),
            format!("{seed} "),
            format!("{seed}  {nonce}"),
            format!("{seed} {nonce} "),
            format!("{seed} +{nonce}"),
            format!("{seed}.{nonce}"),
            format!("{seed}= {nonce}"),
            format!("{seed} {nonce:0>17}"),
            format!("{seed} -1"),
        ] {
            let found = check(&keys("c"), BITS, (ANN, NOW_MS), other.as_bytes());
            assert_eq!(found, ChallengeOutcome::Wrong, "{other:?}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic_and_a_changed_seed_is_nobodys(
            noise in proptest::collection::vec(any::<u8>(), 0..80),
            at in 0..SEED_CHARS,
            by in 1u8..
        ) {
            let (seed, _) = seed(&keys("c"), ANN, NOW_MS);
            let outcome = |bytes: &[u8]| check(&keys("c"), 0, (ANN, NOW_MS), bytes);
            prop_assert_eq!(outcome(&noise), ChallengeOutcome::Wrong);
            let mut solution = format!("{seed} 1").into_bytes();
            prop_assert_eq!(outcome(&solution), ChallengeOutcome::Solved);
            solution[at] = solution[at].wrapping_add(by);
            prop_assert_eq!(outcome(&solution), ChallengeOutcome::Wrong);
        }
    }
}
