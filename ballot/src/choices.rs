//! A set of choices as a bitmap: what a ballot carries through the journal and into the tally.
//!
//! Choice number `n` (from 1) is bit `n - 1`. A set never holds a number above [`CHOICES_MAX`].

/// The most choices a campaign may have. 256 keeps a set in 32 bytes on the stack; the longest
/// candidate lists seen in public votes are below that.
pub const CHOICES_MAX: usize = 256;

const WORDS: usize = CHOICES_MAX / 64;

/// A set of choice numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ChoiceSet {
    words: [u64; WORDS],
}

impl ChoiceSet {
    /// The empty set.
    #[must_use]
    pub const fn new() -> Self {
        Self { words: [0; WORDS] }
    }

    /// Adds a choice number; false if it is there already or cannot be in a set at all.
    pub fn insert(&mut self, number: u32) -> bool {
        let Some((word, bit)) = place(number) else { return false };
        let new = self.words[word] & bit == 0;
        self.words[word] |= bit;
        new
    }

    /// Adds the choices of another set, given as its words, and answers how many those are.
    pub(crate) fn add(&mut self, words: impl Iterator<Item = u64>) -> u32 {
        let mut count = 0;
        for (word, other) in self.words.iter_mut().zip(words) {
            *word |= other;
            count += other.count_ones();
        }
        count
    }

    /// The set of these words, the lowest choice numbers first; `None` if there are too many words.
    #[must_use]
    pub fn from_words(words: &[u64]) -> Option<Self> {
        let mut set = Self::new();
        set.words.get_mut(..words.len())?.copy_from_slice(words);
        Some(set)
    }

    /// The first `count` words; see [`words_for`].
    #[must_use]
    pub fn words(&self, count: usize) -> &[u64] {
        &self.words[..count.min(WORDS)]
    }

    /// How many choices are in the set.
    #[must_use]
    pub fn len(&self) -> u32 {
        self.words.iter().map(|word| word.count_ones()).sum()
    }

    /// Whether nothing is chosen.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.words == [0; WORDS]
    }

    /// Whether every number is in `1..=choices`.
    #[must_use]
    pub fn is_within(&self, choices: u32) -> bool {
        self.words.iter().enumerate().all(|(i, word)| {
            let below = u64::from(choices).saturating_sub(i as u64 * 64);
            below >= 64 || word >> below == 0
        })
    }

    /// The choice numbers, ascending.
    pub fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        self.words.iter().zip(0u32..).flat_map(|(&word, i)| {
            let mut rest = word;
            std::iter::from_fn(move || {
                (rest != 0).then(|| {
                    let bit = rest.trailing_zeros();
                    rest &= rest - 1;
                    i * 64 + bit + 1
                })
            })
        })
    }
}

impl FromIterator<u32> for ChoiceSet {
    fn from_iter<I: IntoIterator<Item = u32>>(numbers: I) -> Self {
        let mut set = Self::new();
        for number in numbers {
            set.insert(number);
        }
        set
    }
}

/// How many 64-bit words a set of `1..=choices` takes.
#[must_use]
pub const fn words_for(choices: u32) -> usize {
    let words = (choices as usize).div_ceil(64);
    if words == 0 { 1 } else { words }
}

fn place(number: u32) -> Option<(usize, u64)> {
    let index = usize::try_from(number.checked_sub(1)?).ok()?;
    (index < CHOICES_MAX).then(|| (index / 64, 1 << (index % 64)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back_in_order_across_words() {
        let set: ChoiceSet = [200, 1, 64, 65, 256].into_iter().collect();
        assert_eq!(set.iter().collect::<Vec<_>>(), [1, 64, 65, 200, 256]);
        assert_eq!(set.len(), 5);
        assert_eq!(ChoiceSet::from_words(set.words(4)), Some(set));
    }

    #[test]
    fn zero_doubles_and_numbers_beyond_the_limit_are_not_taken() {
        let mut set = ChoiceSet::new();
        assert!(!set.insert(0));
        assert!(!set.insert(257));
        assert!(set.insert(7));
        assert!(!set.insert(7));
        assert_eq!(set.len(), 1);
        assert_eq!(ChoiceSet::from_words(&[0; 5]), None);
    }

    #[test]
    fn within_is_exact_at_word_edges() {
        for choices in [1u32, 20, 63, 64, 65, 128, 256] {
            let last: ChoiceSet = [choices].into_iter().collect();
            assert!(last.is_within(choices));
            assert!(!last.is_within(choices - 1), "{choices}");
        }
        assert_eq!([words_for(1), words_for(64), words_for(65), words_for(256)], [1, 1, 2, 4]);
    }
}
