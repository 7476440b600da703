//! The generator from which a load draws everything that is left to chance: SplitMix64.
//!
//! Invariant: the same seed and place give the same numbers, in any thread and any order, so that
//! the proof can work out afterwards what was sent. Never here: anything drawn from the system.

/// The increment of SplitMix64, 2⁶⁴ divided by the golden ratio.
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// A small seeded generator (SplitMix64: Steele, Lea and Flood, OOPSLA 2014). Not for secrets.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// A generator of its own for each item of each stream of a seed.
    #[must_use]
    pub const fn of(seed: u64, stream: u64, item: u64) -> Self {
        Self(mix(mix(seed ^ mix(stream.wrapping_add(STEP))) ^ item))
    }

    /// The next 64 bits.
    pub const fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(STEP);
        mix(self.0)
    }

    /// A number of `0.0..1.0`.
    pub const fn unit(&mut self) -> f64 {
        // 53 bits are what a double holds exactly.
        (self.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// A number below `bound`; 0 if `bound` is 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        let scaled = (u128::from(self.bits()) * u128::from(bound)) >> 64;
        u64::try_from(scaled).unwrap_or(0)
    }
}

/// SplitMix64's last step: a bijection of 64 bits that leaves none where it was.
#[must_use]
pub const fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// The inverse of [`mix`].
#[must_use]
pub const fn unmix(mut z: u64) -> u64 {
    // The factors are the inverses of those above modulo 2⁶⁴.
    z = (z ^ (z >> 31) ^ (z >> 62)).wrapping_mul(0x3196_42b2_d24d_8ec3);
    z = (z ^ (z >> 27) ^ (z >> 54)).wrapping_mul(0x96de_1b17_3f11_9089);
    z ^ (z >> 30) ^ (z >> 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mixing_can_be_undone() {
        let mut random = Random::of(1, 2, 3);
        for _ in 0..1_000 {
            let bits = random.bits();
            assert_eq!(unmix(mix(bits)), bits);
            assert_eq!(mix(unmix(bits)), bits);
        }
    }

    #[test]
    fn numbers_depend_on_seed_stream_and_item_and_stay_in_range() {
        let first = |seed, stream, item| Random::of(seed, stream, item).bits();
        let all = [first(1, 2, 3), first(2, 2, 3), first(1, 3, 3), first(1, 2, 4)];
        assert_eq!(all.iter().collect::<std::collections::BTreeSet<_>>().len(), 4);
        let mut random = Random::of(1, 2, 3);
        for _ in 0..1_000 {
            assert!(random.below(7) < 7);
            assert!((0.0..1.0).contains(&random.unit()));
        }
        assert_eq!(random.below(0), 0);
    }
}
