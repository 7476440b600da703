//! What an answer says about a ballot, by the interface's status and code.
//!
//! Invariant: only what is certainly not in the journal is called so; everything unclear is in
//! doubt. Never here: what is done about it.

use crate::http::text_field;
use crate::record::Outcome;
use crate::traffic::Kind;

/// The outcome of an answer to a request of this kind. `is_over` says that by our clock the day it
/// is meant for may not have begun, or may be over.
#[must_use]
pub fn outcome(kind: Kind, is_over: bool, status: u16, body: &[u8]) -> Outcome {
    let code = || text_field(body, "code").unwrap_or_default();
    match (kind, status) {
        (_, 503) if code() == "overloaded" => Outcome::Shed,
        (_, 408 | 429) => Outcome::Shed,
        (Kind::Ballot, 503) => Outcome::InDoubt,
        (Kind::Invalid | Kind::Forged, 503) => Outcome::Shed,
        (Kind::Ballot, 202) => Outcome::Acknowledged,
        (Kind::Ballot, 409) => Outcome::AlreadyVoted,
        (_, 403) if is_over && ["closed", "not_open"].contains(&code()) => Outcome::Rejected,
        (Kind::Invalid, 400 | 422) | (Kind::Forged, 401) => Outcome::Rejected,
        (Kind::Ballot | Kind::Invalid | Kind::Forged, _) => Outcome::Unexpected,
    }
}

/// Whether a ballot with this outcome is sent again.
#[must_use]
pub const fn is_sent_again(outcome: Outcome) -> bool {
    match outcome {
        Outcome::Shed | Outcome::InDoubt | Outcome::NoAnswer | Outcome::NotSent => true,
        Outcome::Acknowledged | Outcome::AlreadyVoted | Outcome::Rejected | Outcome::Unexpected => {
            false
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_answer_of_the_interface_has_its_outcome() {
        let of = |kind, status, code: &str| {
            let body = format!("{{\"status\":{status},\"code\":\"{code}\",\"retry\":\"safe\"}}");
            outcome(kind, false, status, body.as_bytes())
        };
        assert_eq!(of(Kind::Ballot, 202, ""), Outcome::Acknowledged);
        assert_eq!(of(Kind::Ballot, 409, "already_voted"), Outcome::AlreadyVoted);
        assert_eq!(of(Kind::Ballot, 503, "overloaded"), Outcome::Shed);
        assert_eq!(of(Kind::Ballot, 503, "journal_unavailable"), Outcome::InDoubt);
        assert_eq!(of(Kind::Ballot, 503, "a proxy's"), Outcome::InDoubt);
        assert_eq!(of(Kind::Ballot, 429, "rate_limited"), Outcome::Shed);
        assert_eq!(of(Kind::Ballot, 422, "invalid_choices"), Outcome::Unexpected);
        assert_eq!(of(Kind::Ballot, 403, "closed"), Outcome::Unexpected);
        assert_eq!(of(Kind::Ballot, 500, ""), Outcome::Unexpected);
        assert_eq!(of(Kind::Invalid, 422, "invalid_choices"), Outcome::Rejected);
        assert_eq!(of(Kind::Invalid, 202, ""), Outcome::Unexpected);
        assert_eq!(of(Kind::Forged, 401, "unauthenticated"), Outcome::Rejected);
        assert_eq!(of(Kind::Forged, 202, ""), Outcome::Unexpected);
        let over = b"{\"code\":\"closed\"}";
        assert_eq!(outcome(Kind::Ballot, true, 403, over), Outcome::Rejected);
    }
}
