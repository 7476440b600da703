//! How popular choices are: the k-th of them is chosen in proportion to 1 / kˢ (Zipf's law).
//!
//! Never here: which choice is the k-th; the population decides that.

use crate::random::Random;

/// A distribution over `0..n`.
#[derive(Debug, Clone)]
pub struct Zipf {
    /// The share of all up to each, ascending to 1.
    cumulative: Vec<f64>,
}

impl Zipf {
    /// Zipf's law over `n` things with this exponent; 0 makes all alike.
    #[must_use]
    pub fn new(n: u32, exponent: f64) -> Self {
        let weights = (1..=n.max(1)).map(|k| f64::from(k).powf(-exponent));
        let mut cumulative: Vec<f64> = weights
            .scan(0.0, |sum, weight| {
                *sum += weight;
                Some(*sum)
            })
            .collect();
        let all = cumulative.last().copied().unwrap_or(1.0);
        cumulative.iter_mut().for_each(|share| *share /= all);
        Self { cumulative }
    }

    /// One of `0..n`.
    pub fn draw(&self, random: &mut Random) -> usize {
        let at = random.unit();
        self.cumulative.partition_point(|share| *share <= at).min(self.cumulative.len() - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_twenty_is_drawn_k_times_as_often_as_the_kth() {
        let (zipf, mut random) = (Zipf::new(20, 1.0), Random::of(1, 1, 1));
        let mut drawn = [0_u32; 20];
        for _ in 0..100_000 {
            drawn[zipf.draw(&mut random)] += 1;
        }
        let harmonic: f64 = (1..=20).map(|k| 1.0 / f64::from(k)).sum();
        for (k, count) in (1..).zip(drawn) {
            let expected = 100_000.0 / harmonic / f64::from(k);
            // Five standard deviations.
            let bound = 5.0 * expected.sqrt();
            assert!((f64::from(count) - expected).abs() < bound, "{k}: {count}, {expected}");
        }
    }

    #[test]
    fn an_exponent_of_zero_makes_all_alike() {
        let (zipf, mut random) = (Zipf::new(4, 0.0), Random::of(1, 1, 1));
        let mut drawn = [0_u32; 4];
        for _ in 0..10_000 {
            drawn[zipf.draw(&mut random)] += 1;
        }
        assert!(drawn.iter().all(|count| (2_200..2_800).contains(count)), "{drawn:?}");
    }
}
