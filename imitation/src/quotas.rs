//! Quotas: how often an account may call what, and how often it has.
//!
//! Invariant: a minute's quota starts afresh with each minute, a day's at midnight in Shanghai.
//! The clock is passed in. Never here: the limits on a forced refresh's distance from the last.

use crate::errcode::{DAILY_QUOTA, MINUTE_QUOTA};

const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 86_400_000;
/// China has one zone and no summer time.
const SHANGHAI_MS: i64 = 8 * 3_600_000;

/// How often an account may call what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quotas {
    /// Exchanges of codes a minute.
    pub exchanges_per_minute: u64,
    /// Calls for an app token a minute.
    pub tokens_per_minute: u64,
    /// Calls for an app token a day.
    pub tokens_per_day: u64,
    /// Forced refreshes of the app token a day.
    pub forced_per_day: u64,
    /// Calls of `user/info` a day.
    pub user_infos_per_day: u64,
}

impl Default for Quotas {
    /// WeChat's, of many accounts.
    fn default() -> Self {
        Self {
            exchanges_per_minute: 50_000,
            tokens_per_minute: 10_000,
            tokens_per_day: 500_000,
            forced_per_day: 20,
            user_infos_per_day: 500_000,
        }
    }
}

/// What an account has used of its quotas.
#[derive(Debug, Default)]
pub(crate) struct Used {
    exchanges: Window,
    tokens_of_minute: Window,
    tokens_of_day: Window,
    forced: Window,
    user_infos: Window,
}

impl Used {
    pub(crate) fn exchange(&mut self, quotas: Quotas, now_ms: i64) -> Result<(), i32> {
        self.exchanges.take(minute(now_ms), quotas.exchanges_per_minute, MINUTE_QUOTA)
    }

    pub(crate) fn token(&mut self, quotas: Quotas, now_ms: i64) -> Result<(), i32> {
        self.tokens_of_minute.take(minute(now_ms), quotas.tokens_per_minute, MINUTE_QUOTA)?;
        self.tokens_of_day.take(day(now_ms), quotas.tokens_per_day, DAILY_QUOTA)
    }

    pub(crate) fn forced(&mut self, quotas: Quotas, now_ms: i64) -> Result<(), i32> {
        self.forced.take(day(now_ms), quotas.forced_per_day, DAILY_QUOTA)
    }

    pub(crate) fn user_info(&mut self, quotas: Quotas, now_ms: i64) -> Result<(), i32> {
        self.user_infos.take(day(now_ms), quotas.user_infos_per_day, DAILY_QUOTA)
    }
}

/// What is used of one quota in its present minute or day.
#[derive(Debug, Default)]
struct Window {
    number: i64,
    used: u64,
}

impl Window {
    fn take(&mut self, number: i64, most: u64, otherwise: i32) -> Result<(), i32> {
        if self.number != number {
            *self = Self { number, used: 0 };
        }
        if self.used >= most {
            return Err(otherwise);
        }
        self.used += 1;
        Ok(())
    }
}

const fn minute(now_ms: i64) -> i64 {
    now_ms.div_euclid(MINUTE_MS)
}

const fn day(now_ms: i64) -> i64 {
    (now_ms + SHANGHAI_MS).div_euclid(DAY_MS)
}
