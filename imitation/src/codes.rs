//! Codes: what the authorize page gives a browser, and what becomes of each.
//!
//! Invariant: a code is redeemed at most once, by the account it was made for, within five
//! minutes. The clock is passed in. Of very many codes the oldest are forgotten, and then unknown.

use std::collections::{HashMap, VecDeque};

use crate::errcode::{BAD_CODE, EXPIRED_CODE, USED_CODE};

/// WeChat's: a code that is not used expires after five minutes.
const LIFE_MS: i64 = 300_000;
/// Four minutes of as many exchanges as WeChat allows.
const CODES_MAX: usize = 200_000;

/// What a code stands for.
#[derive(Debug, Clone)]
pub(crate) struct Grant {
    pub(crate) openid: String,
    pub(crate) unionid: Option<String>,
    pub(crate) is_snapshot: bool,
    pub(crate) scope: String,
}

#[derive(Debug)]
struct Code {
    grant: Grant,
    made_ms: i64,
    is_used: bool,
}

/// All codes that are remembered.
#[derive(Debug, Default)]
pub(crate) struct Codes {
    codes: HashMap<String, Code>,
    oldest_first: VecDeque<String>,
}

impl Codes {
    /// Takes a new code in.
    pub(crate) fn add(&mut self, code: String, grant: Grant, now_ms: i64) {
        if self.oldest_first.len() >= CODES_MAX
            && let Some(oldest) = self.oldest_first.pop_front()
        {
            self.codes.remove(&oldest);
        }
        self.oldest_first.push_back(code.clone());
        self.codes.insert(code, Code { grant, made_ms: now_ms, is_used: false });
    }

    /// Gives a code's grant, once.
    ///
    /// # Errors
    /// An errcode: the code is unknown, has been used or has expired.
    pub(crate) fn redeem(&mut self, code: &str, now_ms: i64) -> Result<Grant, i32> {
        let code = self.codes.get_mut(code).ok_or(BAD_CODE)?;
        if code.is_used {
            return Err(USED_CODE);
        }
        if now_ms - code.made_ms >= LIFE_MS {
            return Err(EXPIRED_CODE);
        }
        code.is_used = true;
        Ok(code.grant.clone())
    }
}
