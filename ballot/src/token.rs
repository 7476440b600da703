//! The voter token: who votes, until when, follower or not, signed for one campaign.
//!
//! Layout, before base64url without padding (58 characters): version 1, key id, flags (bit 0:
//! follower, bit 1: fresh, bit 2: made where voters are not checked), expiry in Unix seconds (u64
//! big-endian), voter id (16), tag (16: the first half of an HMAC-SHA256 over the campaign's id, a
//! zero byte and all before the tag). The raw identity is never in it. Nothing is believed before
//! the tag has been checked, in constant time.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac};
use sha2::Sha256;

use crate::VoterId;
use crate::voter::keyed;

const VERSION: u8 = 1;
const FOLLOWER: u8 = 1;
const FRESH: u8 = 2;
/// Nobody has checked whose it is.
const TRIAL: u8 = 4;
const SIGNED: usize = 27;
const TAG: usize = 16;
const LENGTH: usize = SIGNED + TAG;

/// Characters of a token in its textual form.
pub const TOKEN_CHARS: usize = LENGTH.div_ceil(3) * 4 - 2;

/// What a token says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token {
    /// The voter's pseudonym.
    pub voter: VoterId,
    /// Whether the voter follows the organiser's account.
    pub follower: bool,
    /// Whether the identity was new when the voter signed in, as far as could be seen: one sign of
    /// several that an auditor may look at.
    pub fresh: bool,
    /// The first second, Unix time, at which the token no longer counts.
    pub expires_at_s: u64,
}

/// The keys that sign and check the tokens of one campaign: the first signs; all check, so that
/// two are valid while one replaces the other.
#[derive(Clone)]
pub struct TokenKeys {
    keys: Vec<(u8, Hmac<Sha256>)>,
    /// Whether voters are not checked here: its tokens say so, and hold only in such places.
    is_trial: bool,
}

impl TokenKeys {
    /// Keys for a campaign from pairs of key id and 32 secret bytes, the signing key first.
    ///
    /// # Errors
    /// [`TokenKeysError`] unless there are one or two keys with different ids.
    pub fn new(campaign: &str, keys: &[(u8, [u8; 32])]) -> Result<Self, TokenKeysError> {
        match keys {
            [_] => {}
            [(a, _), (b, _)] if a != b => {}
            [] | [_, ..] => return Err(TokenKeysError),
        }
        let keys = keys.iter().map(|(id, secret)| {
            let mut mac = keyed(secret);
            mac.update(campaign.as_bytes());
            mac.update(&[0]);
            (*id, mac)
        });
        Ok(Self { keys: keys.collect(), is_trial: false })
    }

    /// The same keys where voters are not checked, to try things out: what they sign holds in such
    /// a place only, and never as a vote where voters are known.
    #[must_use]
    pub fn for_trial(self) -> Self {
        Self { is_trial: true, ..self }
    }

    /// The token in its textual form, signed by the first key.
    #[must_use]
    pub fn mint(&self, token: &Token) -> String {
        let (id, mac) = &self.keys[0];
        let mut bytes = [0; LENGTH];
        bytes[0] = VERSION;
        bytes[1] = *id;
        bytes[2] = (u8::from(token.follower) * FOLLOWER)
            | (u8::from(token.fresh) * FRESH)
            | (u8::from(self.is_trial) * TRIAL);
        bytes[3..11].copy_from_slice(&token.expires_at_s.to_be_bytes());
        bytes[11..SIGNED].copy_from_slice(&token.voter.to_bytes());
        let mut mac = mac.clone();
        mac.update(&bytes[..SIGNED]);
        let tag = mac.finalize().into_bytes();
        bytes[SIGNED..].copy_from_slice(&tag[..TAG]);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Checks a token at the time `now_ms` (milliseconds since 1970-01-01 UTC).
    ///
    /// # Errors
    /// [`TokenError`], by what is wrong.
    pub fn check(&self, text: &[u8], now_ms: i64) -> Result<Token, TokenError> {
        let mut bytes = [0; LENGTH];
        if text.len() != TOKEN_CHARS || URL_SAFE_NO_PAD.decode_slice(text, &mut bytes).is_err() {
            return Err(TokenError::Malformed);
        }
        if bytes[0] != VERSION {
            return Err(TokenError::Malformed);
        }
        let key = self.keys.iter().find(|(id, _)| *id == bytes[1]);
        let (_, mac) = key.ok_or(TokenError::UnknownKey)?;
        let mut mac = mac.clone();
        mac.update(&bytes[..SIGNED]);
        mac.verify_truncated_left(&bytes[SIGNED..]).map_err(|_| TokenError::Forged)?;

        if bytes[2] & TRIAL != 0 && !self.is_trial {
            return Err(TokenError::Trial);
        }
        let mut expiry = [0; 8];
        expiry.copy_from_slice(&bytes[3..11]);
        let expires_at_s = u64::from_be_bytes(expiry);
        let now_s = u64::try_from(now_ms.div_euclid(1_000)).unwrap_or(0);
        if now_s >= expires_at_s {
            return Err(TokenError::Expired);
        }
        let mut voter = [0; 16];
        voter.copy_from_slice(&bytes[11..SIGNED]);
        Ok(Token {
            voter: VoterId::from_bytes(voter),
            follower: bytes[2] & FOLLOWER != 0,
            fresh: bytes[2] & FRESH != 0,
            expires_at_s,
        })
    }
}

impl TokenKeys {
    /// A seal over a message of another kind than a token, such as a one-time link: nobody without
    /// the keys can make one, and one of another purpose or campaign does not hold.
    #[must_use]
    pub fn seal(&self, purpose: &str, message: &[u8]) -> [u8; TAG] {
        let tag = sealing(&self.keys[0].1, purpose, message).finalize().into_bytes();
        let mut seal = [0; TAG];
        seal.copy_from_slice(&tag[..TAG]);
        seal
    }

    /// Whether one of the keys made this seal. Takes the same time whatever differs.
    #[must_use]
    pub fn is_sealed(&self, purpose: &str, message: &[u8], seal: &[u8]) -> bool {
        seal.len() == TAG
            && self
                .keys
                .iter()
                .any(|(_, mac)| sealing(mac, purpose, message).verify_truncated_left(seal).is_ok())
    }
}

/// Begins with a byte that is no version of a token, so that no seal is ever a token's tag.
fn sealing(mac: &Hmac<Sha256>, purpose: &str, message: &[u8]) -> Hmac<Sha256> {
    let mut mac = mac.clone();
    mac.update(&[0xFF]);
    mac.update(purpose.as_bytes());
    mac.update(&[0]);
    mac.update(message);
    mac
}

impl fmt::Debug for TokenKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.keys.iter().map(|(id, _)| id)).finish()
    }
}

/// There must be one or two token keys, with different ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("give one token key, or two with different ids while one replaces the other")]
pub struct TokenKeysError;

/// Why a token does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Not the shape of a token.
    #[error("not a voter token")]
    Malformed,
    /// Signed by a key that is not valid here (any more).
    #[error("the token's key is not known")]
    UnknownKey,
    /// The signature does not match: forged, damaged, or of another campaign.
    #[error("the token's signature does not match this campaign")]
    Forged,
    /// It was made where voters are not checked, and they are here.
    #[error("the token was made to try things out")]
    Trial,
    /// It was good once.
    #[error("the token has expired")]
    Expired,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TOKEN: Token = Token {
        voter: VoterId { high: 1, low: 2 },
        follower: true,
        fresh: false,
        expires_at_s: 1_000,
    };

    fn keys(campaign: &str, keys: &[(u8, [u8; 32])]) -> TokenKeys {
        TokenKeys::new(campaign, keys).unwrap()
    }

    #[test]
    fn a_minted_token_is_good_until_the_second_it_expires() {
        let keys = keys("c", &[(1, [1; 32])]);
        let text = keys.mint(&TOKEN);
        assert_eq!(text.len(), TOKEN_CHARS);
        assert_eq!(keys.check(text.as_bytes(), 999_999), Ok(TOKEN));
        assert_eq!(keys.check(text.as_bytes(), 1_000_000), Err(TokenError::Expired));
    }

    #[test]
    fn both_keys_are_good_during_a_rotation_and_the_old_one_not_after() {
        let old = keys("c", &[(1, [1; 32])]);
        let both = keys("c", &[(2, [2; 32]), (1, [1; 32])]);
        let new = keys("c", &[(2, [2; 32])]);
        let text = old.mint(&TOKEN);
        assert_eq!(both.check(text.as_bytes(), 0), Ok(TOKEN));
        assert_eq!(new.check(text.as_bytes(), 0), Err(TokenError::UnknownKey));
        assert_eq!(new.check(both.mint(&TOKEN).as_bytes(), 0), Ok(TOKEN));
        assert!(TokenKeys::new("c", &[]).is_err());
        assert!(TokenKeys::new("c", &[(1, [1; 32]), (1, [2; 32])]).is_err());
    }

    #[test]
    fn what_is_known_of_a_voter_is_read_back() {
        let keys = keys("c", &[(1, [1; 32])]);
        for (follower, fresh) in [(false, false), (false, true), (true, false), (true, true)] {
            let token = Token { follower, fresh, ..TOKEN };
            assert_eq!(keys.check(keys.mint(&token).as_bytes(), 0), Ok(token));
        }
    }

    #[test]
    fn a_token_of_a_trial_holds_only_in_a_trial_and_any_other_there_too() {
        let real = keys("c", &[(1, [1; 32])]);
        let trial = real.clone().for_trial();
        let made = trial.mint(&TOKEN);
        assert_eq!(trial.check(made.as_bytes(), 0), Ok(TOKEN));
        assert_eq!(real.check(made.as_bytes(), 0), Err(TokenError::Trial));
        assert_eq!(trial.check(real.mint(&TOKEN).as_bytes(), 0), Ok(TOKEN));
    }

    #[test]
    fn a_seal_holds_for_its_purpose_message_and_campaign_and_while_its_key_is_there() {
        let old = keys("c", &[(1, [1; 32])]);
        let seal = old.seal("link", b"message");
        let both = keys("c", &[(2, [2; 32]), (1, [1; 32])]);
        assert!(both.is_sealed("link", b"message", &seal));
        assert!(!both.is_sealed("login", b"message", &seal));
        assert!(!both.is_sealed("link", b"massage", &seal));
        assert!(!both.is_sealed("link", b"message", &seal[..15]));
        assert!(!both.is_sealed("link", b"message", &[]));
        assert!(!keys("c", &[(2, [2; 32])]).is_sealed("link", b"message", &seal));
        assert!(!keys("d", &[(1, [1; 32])]).is_sealed("link", b"message", &seal));
    }

    #[test]
    fn a_token_of_another_campaign_or_key_is_forged() {
        let text = keys("c", &[(1, [1; 32])]).mint(&TOKEN);
        for other in [keys("d", &[(1, [1; 32])]), keys("c", &[(1, [3; 32])])] {
            assert_eq!(other.check(text.as_bytes(), 0), Err(TokenError::Forged));
        }
    }

    proptest! {
        #[test]
        fn no_text_panics_and_a_changed_character_is_never_believed(
            noise in proptest::collection::vec(any::<u8>(), 0..80),
            at in 0..TOKEN_CHARS,
            by in 1u8..
        ) {
            let keys = keys("c", &[(1, [1; 32])]);
            prop_assert!(keys.check(&noise, 0).is_err());
            let mut text = keys.mint(&TOKEN).into_bytes();
            text[at] = text[at].wrapping_add(by);
            prop_assert!(keys.check(&text, 0).is_err());
        }
    }
}
