//! One-time links: what the account sends to whoever wrote to it, and the page signs in with.
//!
//! A link is made for one voter of one campaign, lives for five minutes and is redeemed once, in
//! this process and since its start; another process could redeem it once more. That is all it is
//! bound to. So a link that is passed on means: whoever opens it first votes as that voter, once a
//! day in all, and the voter sees `link_used` and asks for a new one. It gives nobody a second
//! vote.
//!
//! It stands behind the `#` of an address, which is never sent: a preview robot that fetches the
//! address uses up nothing, and no log has the link. Never here: trust in anything before the seal.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use ballot::{TokenKeys, VoterId};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::problem::Problem;

/// As long as WeChat's own codes live.
const LIFE_S: u64 = 5 * 60;
/// Links redeemed in five minutes: 870 a second, many times what signs in at an edge. 40 bytes
/// each.
const USED_MAX: usize = 262_144;
const PURPOSE: &str = "link";
const VERSION: u8 = 1;
const FOLLOWER: u8 = 1;
const FRESH: u8 = 2;
/// Version, voter, flags, expiry in Unix seconds, and eight random bytes.
const SEALED: usize = 1 + 16 + 1 + 8 + 8;
const SEAL: usize = 16;
const LENGTH: usize = SEALED + SEAL;
/// Characters of a link in its textual form.
const LINK_CHARS: usize = (LENGTH * 4).div_ceil(3);

/// Who signs in by a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Linked {
    /// The voter.
    pub voter: VoterId,
    /// Whether they follow the account.
    pub follower: bool,
    /// Whether the identity was new when the link was made, as far as could be seen.
    pub fresh: bool,
}

/// Why a link signs nobody in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// Not the shape of a link.
    #[error("not a one-time link")]
    Malformed,
    /// Its seal is not of this campaign.
    #[error("the link's seal does not hold for this campaign")]
    Forged,
    /// Its five minutes are over.
    #[error("the link has expired")]
    Expired,
    /// It has been redeemed.
    #[error("the link has been used")]
    Used,
    /// So many have been redeemed lately that no more can be remembered.
    #[error("too many links have been redeemed lately")]
    Full,
}

impl From<LinkError> for Problem {
    fn from(error: LinkError) -> Self {
        match error {
            LinkError::Malformed | LinkError::Forged => Self::Unauthenticated,
            LinkError::Expired | LinkError::Used => Self::LinkUsed,
            LinkError::Full => Self::Overloaded,
        }
    }
}

/// The links of one campaign that have been redeemed. Clones are the same.
#[derive(Clone, Default)]
pub struct Links {
    used: Arc<Mutex<Used>>,
}

#[derive(Default)]
struct Used {
    /// By expiry, so that the first is the first to be forgotten.
    links: BTreeSet<Known>,
    /// The latest time seen: a clock that is put back brings no forgotten link to life.
    latest_s: u64,
}

/// A link for a voter, from `now_ms` on, in its textual form: 67 characters of base64url.
///
/// # Errors
/// If the machine has no randomness.
pub(super) fn mint(
    keys: &TokenKeys,
    linked: Linked,
    now_ms: i64,
) -> Result<String, getrandom::Error> {
    let mut bytes = [0; LENGTH];
    bytes[0] = VERSION;
    bytes[1..17].copy_from_slice(&linked.voter.to_bytes());
    bytes[17] = (u8::from(linked.follower) * FOLLOWER) | (u8::from(linked.fresh) * FRESH);
    bytes[18..26].copy_from_slice(&seconds(now_ms).saturating_add(LIFE_S).to_be_bytes());
    // Two links of a voter and second differ by these.
    getrandom::fill(&mut bytes[26..SEALED])?;
    let seal = keys.seal(PURPOSE, &bytes[..SEALED]);
    bytes[SEALED..].copy_from_slice(&seal);
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

impl Links {
    /// Uses up a link, whose voter it answers. Of any number that try at once one gets it.
    ///
    /// # Errors
    /// `LinkError`, by what is wrong; only then it is as it was.
    pub fn redeem(&self, keys: &TokenKeys, text: &str, now_ms: i64) -> Result<Linked, LinkError> {
        let (linked, link) = open(keys, text)?;
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        used.use_up(link, seconds(now_ms), USED_MAX)?;
        drop(used);
        Ok(linked)
    }

    /// The voter of a link that could be redeemed now; it is as it was.
    pub(super) fn look(
        &self,
        keys: &TokenKeys,
        text: &str,
        now_ms: i64,
    ) -> Result<VoterId, LinkError> {
        let (linked, link) = open(keys, text)?;
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        used.check(link, seconds(now_ms))?;
        drop(used);
        Ok(linked.voter)
    }
}

/// Expiry and seal of a link: what it is known by.
type Known = (u64, [u8; SEAL]);

/// What a link says, if its seal holds.
fn open(keys: &TokenKeys, text: &str) -> Result<(Linked, Known), LinkError> {
    let mut bytes = [0; LENGTH];
    if text.len() != LINK_CHARS || URL_SAFE_NO_PAD.decode_slice(text, &mut bytes).is_err() {
        return Err(LinkError::Malformed);
    }
    if bytes[0] != VERSION {
        return Err(LinkError::Malformed);
    }
    let (sealed, seal) = bytes.split_at(SEALED);
    if !keys.is_sealed(PURPOSE, sealed, seal) {
        return Err(LinkError::Forged);
    }
    let (mut voter, mut expiry, mut id) = ([0; 16], [0; 8], [0; SEAL]);
    voter.copy_from_slice(&sealed[1..17]);
    expiry.copy_from_slice(&sealed[18..26]);
    id.copy_from_slice(seal);
    let linked = Linked {
        voter: VoterId::from_bytes(voter),
        follower: sealed[17] & FOLLOWER != 0,
        fresh: sealed[17] & FRESH != 0,
    };
    Ok((linked, (u64::from_be_bytes(expiry), id)))
}

impl Used {
    /// Notes a link as used, in the place of those that have expired.
    fn use_up(&mut self, link: Known, now_s: u64, links_max: usize) -> Result<(), LinkError> {
        self.check(link, now_s)?;
        if self.links.len() >= links_max {
            return Err(LinkError::Full);
        }
        self.links.insert(link);
        Ok(())
    }

    /// Whether a link may still be used; those that have expired are forgotten.
    fn check(&mut self, link: Known, now_s: u64) -> Result<(), LinkError> {
        self.latest_s = self.latest_s.max(now_s);
        while self.links.first().is_some_and(|(expires_at_s, _)| *expires_at_s <= self.latest_s) {
            self.links.pop_first();
        }
        if link.0 <= self.latest_s {
            return Err(LinkError::Expired);
        }
        if self.links.contains(&link) {
            return Err(LinkError::Used);
        }
        Ok(())
    }
}

fn seconds(now_ms: i64) -> u64 {
    u64::try_from(now_ms.div_euclid(1_000)).unwrap_or(0)
}

impl fmt::Debug for Links {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let used = self.used.lock().unwrap_or_else(PoisonError::into_inner).links.len();
        f.debug_struct("Links").field("used", &used).finish()
    }
}

#[cfg(test)]
#[path = "links/tests.rs"]
mod tests;
