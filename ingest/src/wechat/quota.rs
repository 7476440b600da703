//! Pauses: what a used-up quota of WeChat makes us not ask.
//!
//! Invariant: while a pause of a kind of call holds, no request of that kind is made, except one
//! every ten minutes after the daily quota is used up: WeChat gives quotas back by hand too. Every
//! instant is the injected clock's; one that is set back to before the pause began ends it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use journal::Clock;

use super::metrics::Call;

const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 24 * 60 * MINUTE_MS;
/// Asia/Shanghai, where WeChat's quotas begin anew at midnight, has had this offset and no summer
/// time since 1991.
const SHANGHAI_MS: i64 = 8 * 60 * MINUTE_MS;
/// How often it is asked whether the daily quota is there again.
const ASK_AGAIN_MS: i64 = 10 * MINUTE_MS;

/// Which quota is used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Quota {
    Minute,
    Day,
}

impl Quota {
    pub(super) const fn of(errcode: i64) -> Option<Self> {
        match errcode {
            45_011 => Some(Self::Minute),
            45_009 => Some(Self::Day),
            _ => None,
        }
    }
}

#[derive(Debug, Clone, Copy)]
struct Pause {
    from_ms: i64,
    until_ms: i64,
    /// When one call may go ahead although the pause holds.
    ask_ms: i64,
}

impl Pause {
    fn new(quota: Quota, now_ms: i64) -> Self {
        let until_ms = match quota {
            Quota::Minute => now_ms.saturating_add(MINUTE_MS),
            Quota::Day => next_midnight_ms(now_ms),
        };
        Self { from_ms: now_ms, until_ms, ask_ms: now_ms.saturating_add(ASK_AGAIN_MS) }
    }

    fn holds(&self, now_ms: i64) -> bool {
        (self.from_ms..self.until_ms).contains(&now_ms)
    }
}

/// The pauses of one account, one for each kind of call.
#[derive(Debug)]
pub(super) struct Pauses {
    clock: Arc<dyn Clock>,
    pauses: Mutex<[Option<Pause>; Call::COUNT]>,
}

impl Pauses {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, pauses: Mutex::new([None; Call::COUNT]) }
    }

    /// The instant at which a call may be made, which is now; `None` if it may not.
    pub(super) fn admit(&self, call: Call) -> Option<i64> {
        let now_ms = self.clock.now_ms();
        let mut pauses = self.lock();
        let place = &mut pauses[call as usize];
        *place = place.filter(|pause| pause.holds(now_ms));
        match place {
            Some(pause) if now_ms < pause.ask_ms => return None,
            Some(pause) => pause.ask_ms = now_ms.saturating_add(ASK_AGAIN_MS),
            None => {}
        }
        Some(now_ms)
    }

    /// A call was answered so. The longer of two pauses stays.
    pub(super) fn used_up(&self, call: Call, quota: Quota) {
        let now_ms = self.clock.now_ms();
        let pause = Pause::new(quota, now_ms);
        let mut pauses = self.lock();
        let place = &mut pauses[call as usize];
        let longer = place.filter(|old| old.holds(now_ms) && old.until_ms >= pause.until_ms);
        *place = Some(longer.unwrap_or(pause));
    }

    /// A call that was admitted at this instant succeeded: what was paused before it is over.
    pub(super) fn succeeded(&self, call: Call, admitted_ms: i64) {
        let mut pauses = self.lock();
        let place = &mut pauses[call as usize];
        *place = place.filter(|pause| pause.from_ms >= admitted_ms);
    }

    /// Whether any pause holds.
    pub(super) fn holds(&self) -> bool {
        let now_ms = self.clock.now_ms();
        self.lock().iter().flatten().any(|pause| pause.holds(now_ms))
    }

    fn lock(&self) -> MutexGuard<'_, [Option<Pause>; Call::COUNT]> {
        self.pauses.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The next midnight in Asia/Shanghai, strictly after this instant.
fn next_midnight_ms(now_ms: i64) -> i64 {
    let days = now_ms.saturating_add(SHANGHAI_MS).div_euclid(DAY_MS);
    (days + 1).saturating_mul(DAY_MS) - SHANGHAI_MS
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Hand, NOON_MS};
    use super::*;

    fn pauses() -> (Arc<Hand>, Pauses) {
        let clock = Hand::at(NOON_MS);
        (Arc::clone(&clock), Pauses::new(clock))
    }

    #[test]
    fn a_days_quota_ends_at_midnight_in_shanghai() {
        let midnight_ms = 1_702_915_200_000; // 2023-12-19 00:00 there
        assert_eq!(next_midnight_ms(NOON_MS), midnight_ms);
        assert_eq!(next_midnight_ms(midnight_ms - 1), midnight_ms);
        assert_eq!(next_midnight_ms(midnight_ms), midnight_ms + DAY_MS);
    }

    #[test]
    fn a_minutes_quota_pauses_a_minute_and_only_its_own_kind_of_call() {
        let (clock, pauses) = pauses();
        pauses.used_up(Call::Exchange, Quota::Minute);
        clock.forward(MINUTE_MS - 1);
        assert_eq!(pauses.admit(Call::Exchange), None);
        assert!(pauses.holds() && pauses.admit(Call::UserInfo).is_some());
        clock.forward(1);
        assert!(!pauses.holds() && pauses.admit(Call::Exchange).is_some());
    }

    #[test]
    fn a_days_quota_is_asked_for_once_in_ten_minutes_and_a_success_ends_the_pause() {
        let (clock, pauses) = pauses();
        pauses.used_up(Call::UserInfo, Quota::Day);
        clock.forward(ASK_AGAIN_MS - 1);
        assert_eq!(pauses.admit(Call::UserInfo), None);
        clock.forward(1);
        assert!(pauses.admit(Call::UserInfo).is_some());
        assert_eq!(pauses.admit(Call::UserInfo), None);
        clock.forward(ASK_AGAIN_MS);
        let admitted_ms = pauses.admit(Call::UserInfo).unwrap();
        pauses.succeeded(Call::UserInfo, admitted_ms);
        assert!(!pauses.holds() && pauses.admit(Call::UserInfo).is_some());
    }

    #[test]
    fn a_call_from_before_the_pause_does_not_end_it_nor_a_minutes_quota_shorten_a_days() {
        let (clock, pauses) = pauses();
        let admitted_ms = pauses.admit(Call::UserInfo).unwrap();
        pauses.used_up(Call::UserInfo, Quota::Day);
        pauses.succeeded(Call::UserInfo, admitted_ms);
        pauses.used_up(Call::UserInfo, Quota::Minute);
        clock.forward(MINUTE_MS);
        assert_eq!(pauses.admit(Call::UserInfo), None);
        clock.forward(-2 * MINUTE_MS);
        assert!(pauses.admit(Call::UserInfo).is_some(), "the clock was set back");
    }
}
