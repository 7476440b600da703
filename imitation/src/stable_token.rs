//! `POST /cgi-bin/stable_token`: an account proves itself and is given its app token.
//!
//! Invariant: whoever asks within a token's life is given the same one, unless a refresh is forced.

use bytes::Bytes;
use hyper::Method;
use serde::Deserialize;
use serde_json::json;

use crate::errcode::{BAD_GRANT_TYPE, BAD_JSON, NEEDS_POST};
use crate::imitation::Imitation;
use crate::reply::{Reply, told};

/// What is posted.
#[derive(Debug, Deserialize)]
#[serde(default)]
struct Asked {
    grant_type: String,
    appid: String,
    secret: String,
    force_refresh: bool,
}

impl Default for Asked {
    fn default() -> Self {
        let empty = String::new;
        Self { grant_type: empty(), appid: empty(), secret: empty(), force_refresh: false }
    }
}

/// Answers a call.
///
/// # Errors
/// An errcode.
pub(crate) fn call(imitation: &Imitation, method: &Method, body: &Bytes) -> Result<Reply, i32> {
    if method != Method::POST {
        return Err(NEEDS_POST);
    }
    let asked: Asked = serde_json::from_slice(body).map_err(|_| BAD_JSON)?;
    if asked.grant_type != "client_credential" {
        return Err(BAD_GRANT_TYPE);
    }
    let kind = imitation.proved(&asked.appid, &asked.secret)?;
    let now_ms = imitation.now_ms();
    let mut state = imitation.state();
    let state = &mut *state;
    let used = state.used.of_mut(kind);
    used.token(state.quotas, now_ms)?;
    let tokens = state.tokens.of_mut(kind);
    // Too soon after the last one, it is answered like a call that forces nothing.
    if asked.force_refresh && tokens.may_be_forced(now_ms) {
        used.forced(state.quotas, now_ms)?;
        tokens.force(now_ms);
    }
    let mint = || format!("97_{}", state.dice.text(133));
    let (token, expires_in_s) = tokens.current(now_ms, mint);
    Ok(told(&json!({ "access_token": token, "expires_in": expires_in_s })))
}
