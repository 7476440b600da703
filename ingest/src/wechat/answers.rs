//! What WeChat answers, as it is written and as callers get it.
//!
//! Invariant: an id that comes out of here has the shape of one. Never here: an id in Debug.

use std::fmt;

use serde::Deserialize;

/// The longest openid or unionid there is. WeChat's have 28 and 29 characters.
const ID_BYTES_MAX: usize = 64;

/// Whom a code stands for.
#[derive(Clone, PartialEq, Eq)]
pub struct Exchanged {
    /// The voter as this account knows them, follower or not.
    pub openid: String,
    /// The voter as all accounts of the Open Platform know them, if the account is bound to one.
    pub unionid: Option<String>,
    /// A virtual identity, made for who only looks at a page: no voter.
    pub snapshot: bool,
}

impl fmt::Debug for Exchanged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exchanged").field("snapshot", &self.snapshot).finish_non_exhaustive()
    }
}

/// Whether somebody follows the account.
#[derive(Clone, PartialEq, Eq)]
pub struct Follower {
    /// They do.
    pub follows: bool,
    /// Since when, in seconds since 1970-01-01 UTC.
    pub since_s: Option<u64>,
    /// The voter as all accounts of the Open Platform know them; of followers only.
    pub unionid: Option<String>,
}

impl fmt::Debug for Follower {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut follower = f.debug_struct("Follower");
        follower.field("follows", &self.follows).field("since_s", &self.since_s);
        follower.finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
pub(super) struct ExchangeAnswer {
    pub(super) openid: String,
    unionid: Option<String>,
    #[serde(default)]
    is_snapshotuser: i64,
}

#[derive(Deserialize)]
pub(super) struct UserInfoAnswer {
    subscribe: i64,
    pub(super) openid: String,
    subscribe_time: Option<u64>,
    unionid: Option<String>,
}

impl From<ExchangeAnswer> for Exchanged {
    fn from(answer: ExchangeAnswer) -> Self {
        let unionid = answer.unionid.filter(|unionid| is_id(unionid));
        Self { openid: answer.openid, unionid, snapshot: answer.is_snapshotuser != 0 }
    }
}

impl From<UserInfoAnswer> for Follower {
    fn from(answer: UserInfoAnswer) -> Self {
        let follows = answer.subscribe != 0;
        let since_s = answer.subscribe_time.filter(|_| follows);
        Self { follows, since_s, unionid: answer.unionid.filter(|unionid| is_id(unionid)) }
    }
}

/// Whether this has the shape of an openid or unionid.
pub(super) fn is_id(id: &str) -> bool {
    let is_shaped = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    (1..=ID_BYTES_MAX).contains(&id.len()) && id.bytes().all(is_shaped)
}
