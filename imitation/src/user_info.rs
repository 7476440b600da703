//! `GET /cgi-bin/user/info`: whether a person follows the account whose app token asks.
//!
//! Invariant: of somebody who does not follow, nothing is told but the openid. A virtual identity
//! is nobody's openid.

use hyper::Method;
use serde_json::json;

use crate::errcode::{FOREIGN_OPENID, NEEDS_GET, NO_OPENID, NO_TOKEN};
use crate::imitation::{Imitation, State};
use crate::options::{Kind, Unionids};
use crate::reply::{Reply, told};
use crate::server::parameter;

/// Answers a call.
///
/// # Errors
/// An errcode.
pub(crate) fn call(imitation: &Imitation, method: &Method, query: &str) -> Result<Reply, i32> {
    if method != Method::GET {
        return Err(NEEDS_GET);
    }
    let asked = |name| parameter(query, name).unwrap_or_default();
    let token = asked("access_token");
    if token.is_empty() {
        return Err(NO_TOKEN);
    }
    let now_ms = imitation.now_ms();
    let mut state = imitation.state();
    let kind = asking(&state, &token);
    state.tokens.of(kind).check(&token, now_ms)?;
    let openid = asked("openid");
    if openid.is_empty() {
        return Err(NO_OPENID);
    }
    let quotas = state.quotas;
    state.used.of_mut(kind).user_info(quotas, now_ms)?;
    let name = state.people.name(kind, &openid).ok_or(FOREIGN_OPENID)?.to_owned();
    let Some(since_s) = *state.people.person(&name).follows_since_s.of(kind) else {
        return Ok(told(&json!({ "subscribe": 0, "openid": openid })));
    };
    let mut answer = json!({
        "subscribe": 1,
        "openid": openid,
        "language": "zh_CN",
        "subscribe_time": since_s,
        "remark": "",
        "groupid": 0,
        "tagid_list": [],
        "subscribe_scene": "ADD_SCENE_QR_CODE",
        "qr_scene": 0,
        "qr_scene_str": "",
    });
    if state.unionids != Unionids::Unbound {
        answer["unionid"] = json!(state.people.unionid(&name));
    }
    Ok(told(&answer))
}

/// Whose token it is. One that nobody knows is checked against the service account's.
fn asking(state: &State, token: &str) -> Kind {
    let is_of = |kind: &Kind| state.tokens.of(*kind).knows(token);
    Kind::ALL.into_iter().find(is_of).unwrap_or(Kind::Service)
}
