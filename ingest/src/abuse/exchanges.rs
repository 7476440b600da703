//! How many codes are exchanged at WeChat: 50,000 a minute are all that an account has, and who
//! uses them up keeps everybody out.
//!
//! Invariant: no network takes more than its share, and all of them together less than the account
//! has, in this process. Memory is bounded as in `rates`. Never here: a look at who is signing in.

use super::TooOften;
use super::rates::{Keyed, per_second};
use crate::caller::Prefix;

/// What one network may exchange in a row, and each second after that: 600 a minute. It is a
/// carrier's exit, whose voters sign in once each; a twentieth of 10,000 a minute is 500.
const PREFIX_BURST: u32 = 300;
const PREFIX_RATE: u32 = 10;
/// What all may: 40,000 a minute, 45,000 in the first.
const ALL_BURST: u32 = 5_000;
const ALL_RATE: u32 = 666;

/// The exchanges of a process.
#[derive(Debug)]
pub(crate) struct Exchanges {
    prefixes: Keyed<Prefix>,
    all: Keyed<()>,
}

impl Exchanges {
    /// Takes one exchange for somebody from there; where that is this machine it is nobody's share.
    ///
    /// # Errors
    /// Who has had too many; none if that is everybody.
    pub(super) fn take(&self, from: Option<Prefix>) -> Result<(), Option<TooOften>> {
        if from.is_some_and(|from| self.prefixes.take(from).is_none()) {
            return Err(Some(TooOften::Prefix));
        }
        self.all.take(()).map(drop).ok_or(None)
    }

    pub(super) fn forget(&self) {
        self.prefixes.forget();
    }
}

impl Default for Exchanges {
    fn default() -> Self {
        Self {
            prefixes: Keyed::new(per_second(PREFIX_RATE, PREFIX_BURST)),
            all: Keyed::new(per_second(ALL_RATE, ALL_BURST)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::advance;

    use super::*;

    fn network(number: u8) -> Option<Prefix> {
        Some(Prefix::of([198, 51, number, 1].into()))
    }

    #[tokio::test(start_paused = true)]
    async fn a_network_has_its_share_and_no_more() {
        let exchanges = Exchanges::default();
        for _ in 0..PREFIX_BURST {
            assert_eq!(exchanges.take(network(1)), Ok(()));
        }
        assert_eq!(exchanges.take(network(1)), Err(Some(TooOften::Prefix)));
        assert_eq!(exchanges.take(network(2)), Ok(()), "nobody else is meant");
        advance(Duration::from_secs(1)).await;
        for _ in 0..PREFIX_RATE {
            assert_eq!(exchanges.take(network(1)), Ok(()));
        }
        assert_eq!(exchanges.take(network(1)), Err(Some(TooOften::Prefix)));
        advance(Duration::from_secs(60)).await;
        exchanges.forget();
        assert_eq!(exchanges.prefixes.len(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn in_no_minute_do_all_together_use_up_what_the_account_has() {
        let exchanges = Exchanges::default();
        let mut taken = 0;
        for _ in 0..60 {
            while exchanges.take(None).is_ok() {
                taken += 1;
            }
            assert_eq!(exchanges.take(network(1)), Err(None));
            advance(Duration::from_secs(1)).await;
        }
        assert!((40_000..45_000).contains(&taken), "{taken}");
    }
}
