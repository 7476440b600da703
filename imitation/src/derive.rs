//! Texts that look random and follow from a seed: openids, codes, tokens.
//!
//! Invariant: the same seed and parts give the same text. Never here: anything that has to be
//! secret; whoever knows the seed knows all of them.

use sha1::{Digest as _, Sha1};

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// `length` characters that follow from a seed and parts.
pub(crate) fn derived(seed: u64, parts: &[&str], length: usize) -> String {
    let mut text = String::with_capacity(length);
    let mut block = 0_u64;
    while text.len() < length {
        let mut hash = Sha1::new();
        hash.update(seed.to_be_bytes());
        hash.update(block.to_be_bytes());
        for part in parts {
            // With its length before it, no two lists of parts are the same bytes.
            hash.update(part.len().to_be_bytes());
            hash.update(part.as_bytes());
        }
        let left = length - text.len();
        let letter = |byte: u8| char::from(ALPHABET[usize::from(byte % 64)]);
        text.extend(hash.finalize().into_iter().take(left).map(letter));
        block += 1;
    }
    text
}

/// Draws texts that differ from each other, and from those of a run that began at another time.
#[derive(Debug)]
pub(crate) struct Dice {
    seed: u64,
    began_ms: i64,
    drawn: u64,
}

impl Dice {
    pub(crate) const fn new(seed: u64, began_ms: i64) -> Self {
        Self { seed, began_ms, drawn: 0 }
    }

    /// The next text, of letters and digits only.
    pub(crate) fn letters(&mut self, length: usize) -> String {
        self.text(length).replace('-', "0").replace('_', "1")
    }

    /// The next text.
    pub(crate) fn text(&mut self, length: usize) -> String {
        self.drawn += 1;
        derived(self.seed, &[&self.began_ms.to_string(), &self.drawn.to_string()], length)
    }

    /// The next number below ten milliards, as WeChat's nonces are.
    pub(crate) fn digits(&mut self) -> String {
        let digit =
            |letter: char| char::from(b'0' + u8::try_from(u32::from(letter) % 10).unwrap_or(0));
        self.text(10).chars().map(digit).collect()
    }
}
