//! A request, from its header until it is counted: with its answer, or as one whose caller has
//! gone.
//!
//! Invariant: each request is counted once. hyper drops a handler whose caller goes away, so what
//! was not answered is counted when it is dropped: else an outage in which phones give up before
//! the journal's deadline would show nowhere. Never here: what is answered.

use std::net::IpAddr;
use std::time::Duration;

use tokio::time::Instant;

use crate::metrics::{Gone, Outcome, Requests};
use crate::routes::Route;
use crate::trace::Traced;

/// How long a caller waits who then gives up because of us: an acknowledgement takes some 25 ms, so
/// nobody who waits a second is impatient without cause.
const PATIENCE: Duration = Duration::from_secs(1);

/// A request that is being answered. It is dropped without an answer if its caller goes away.
#[derive(Debug)]
pub(crate) struct Asked<'a> {
    pub(crate) requests: &'a Requests,
    /// The place of the campaign that was asked for.
    pub(crate) campaign: Option<usize>,
    pub(crate) route: Option<Route<'a>>,
    pub(crate) began: Instant,
    /// Since when the caller has been waiting for us: a ballot's body comes first.
    pub(crate) waits_since: Option<Instant>,
    pub(crate) traced: Option<Traced>,
    /// The other end of its connection.
    pub(crate) peer: Option<IpAddr>,
    /// Whether it has been counted.
    pub(crate) counted: bool,
}

impl Asked<'_> {
    /// All of the request is here: from now on its caller waits for us.
    pub(crate) fn is_whole(&mut self) {
        self.waits_since = Some(Instant::now());
    }

    /// It has an answer.
    pub(crate) fn answered(&mut self, outcome: Outcome) {
        self.counted = true;
        self.requests.count(self.campaign, self.route, outcome, self.began.elapsed());
    }
}

impl Drop for Asked<'_> {
    fn drop(&mut self) {
        if !self.counted {
            self.answered(Outcome::Gone(gone(self.waits_since.map(|since| since.elapsed()))));
        }
    }
}

/// Why a caller went who had waited so long, if at all.
fn gone(waited: Option<Duration>) -> Gone {
    if waited.is_some_and(|waited| waited > PATIENCE) { Gone::GivenUp } else { Gone::Abandoned }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_waited_for_more_than_a_second_gave_up_and_who_never_asked_in_full_did_not() {
        assert_eq!(gone(Some(PATIENCE + Duration::from_millis(1))), Gone::GivenUp);
        assert_eq!(gone(Some(PATIENCE)), Gone::Abandoned);
        assert_eq!(gone(None), Gone::Abandoned);
    }
}
