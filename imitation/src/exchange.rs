//! `GET /sns/oauth2/access_token`: a code is exchanged for the openid of whom it was made for.
//!
//! Invariant: whatever is answered, a code that was good is spent. The tokens it answers with are
//! of no use here: nothing of Weir reads a voter's profile.

use hyper::Method;
use serde_json::json;

use crate::errcode::{BAD_GRANT_TYPE, NEEDS_GET, NO_CODE, NO_RIGHT};
use crate::imitation::Imitation;
use crate::options::Kind;
use crate::reply::{Reply, told};
use crate::server::parameter;

/// Of WeChat's tokens for a voter's profile.
const LIFE_S: u32 = 7_200;

/// Answers a call.
///
/// # Errors
/// An errcode.
pub(crate) fn call(imitation: &Imitation, method: &Method, query: &str) -> Result<Reply, i32> {
    if method != Method::GET {
        return Err(NEEDS_GET);
    }
    let asked = |name| parameter(query, name).unwrap_or_default();
    match imitation.proved(&asked("appid"), &asked("secret"))? {
        Kind::Service => {}
        Kind::Subscription => return Err(NO_RIGHT),
    }
    if asked("grant_type") != "authorization_code" {
        return Err(BAD_GRANT_TYPE);
    }
    let code = asked("code");
    if code.is_empty() {
        return Err(NO_CODE);
    }
    let now_ms = imitation.now_ms();
    let mut state = imitation.state();
    let quotas = state.quotas;
    state.used.of_mut(Kind::Service).exchange(quotas, now_ms)?;
    let grant = state.codes.redeem(&code, now_ms)?;
    let mut answer = json!({
        "access_token": format!("97_{}", state.dice.text(86)),
        "expires_in": LIFE_S,
        "refresh_token": format!("97_{}", state.dice.text(86)),
        "openid": grant.openid,
        "scope": grant.scope,
    });
    if grant.is_snapshot {
        answer["is_snapshotuser"] = json!(1);
    }
    if let Some(unionid) = grant.unionid {
        answer["unionid"] = json!(unionid);
    }
    Ok(told(&answer))
}
