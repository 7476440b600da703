//! What goes wrong with WeChat, by what the caller has to do about it.
//!
//! Invariant: one mapping from WeChat's `errcode`s, and a code it does not know fails closed. Never
//! here: text from WeChat or from a request, which may hold a token, a code or an openid.

/// Why WeChat gave no answer that can be used. The codes are those of WeChat's "global return
/// codes" page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// WeChat is busy, or too many calls of ours are under way. A code that was being exchanged is
    /// spent all the same: start the login over, once.
    #[error("WeChat is busy")]
    Busy,
    /// The code is invalid, timed out or used. If it made a session here a moment ago, that session
    /// stands; else start the login over, once.
    #[error("the code is invalid, timed out or used")]
    CodeSpent,
    /// The openid is another account's, or none. Reject.
    #[error("the openid is not one of this account")]
    ForeignOpenid,
    /// Only followers may. Show how to follow.
    #[error("only followers may")]
    MustFollow,
    /// A quota is used up. Serve from what is known; "try again later" to who cannot be served.
    #[error("a quota of WeChat is used up")]
    Quota,
    /// The account, its secret, its rights or its address list are not as they must be, or WeChat
    /// keeps refusing its own app token. An operator must act; until then nobody is let in.
    #[error("WeChat refuses this account: errcode {errcode}")]
    Configuration {
        /// What WeChat said.
        errcode: i64,
    },
    /// No answer in time, or not a whole one. A code that was being exchanged may be spent.
    #[error("WeChat does not answer")]
    Unreachable,
    /// An answer that is none of WeChat's. A code that was being exchanged may be spent.
    #[error("WeChat's answer makes no sense")]
    Nonsense,
}

impl Error {
    /// What an `errcode` other than 0 means.
    pub(super) const fn of(errcode: i64) -> Self {
        match errcode {
            -1 => Self::Busy,
            40_029 | 42_003 | 40_163 => Self::CodeSpent,
            40_003 => Self::ForeignOpenid,
            43_004 => Self::MustFollow,
            45_009 | 45_011 => Self::Quota,
            // 40013, 40125, 48001, 50001, 50002, 40164 and the app token's, see below; what is not
            // known is no better.
            _ => Self::Configuration { errcode },
        }
    }

    /// Whether it is the app token that WeChat refuses. Where one was sent, another may help.
    pub(super) const fn is_of_token(self) -> bool {
        matches!(self, Self::Configuration { errcode: 40_001 | 40_014 | 42_001 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_of_the_table_is_what_the_table_says_and_an_unknown_one_fails_closed() {
        let table: [(Error, &[i64]); 5] = [
            (Error::Busy, &[-1]),
            (Error::CodeSpent, &[40_029, 42_003, 40_163]),
            (Error::ForeignOpenid, &[40_003]),
            (Error::MustFollow, &[43_004]),
            (Error::Quota, &[45_009, 45_011]),
        ];
        for (error, errcodes) in table {
            for &errcode in errcodes {
                assert_eq!(Error::of(errcode), error, "{errcode}");
                assert!(!error.is_of_token());
            }
        }
        for errcode in [40_013, 40_125, 48_001, 50_001, 50_002, 40_164, 7, -2, i64::MAX] {
            assert_eq!(Error::of(errcode), Error::Configuration { errcode });
            assert!(!Error::of(errcode).is_of_token(), "{errcode}");
        }
        for errcode in [40_001, 40_014, 42_001] {
            assert!(Error::of(errcode).is_of_token(), "{errcode}");
        }
    }
}
