//! One connection's work: requests one after the other, each answer noted.
//!
//! Invariant: whatever of a ballot may be in the journal is noted as possible before the next
//! request is sent. A ballot that is sent again names the day of its first attempt and has the same
//! choices. Never here: a wait that has no end.

use std::rc::Rc;
use std::sync::atomic::Ordering;

use ballot::ChoiceSet;
use journal::{Clock as _, SystemClock};
use tokio::time::{Instant, timeout};

use super::Sample;
use super::inbox::Job;
use super::worker::Local;
use crate::connection::Connection;
use crate::http::{decimal, text_field};
use crate::notes::Cell;
use crate::record::Outcome;
use crate::traffic::Kind;
use crate::verdict::{is_sent_again, outcome};

/// How much of a surprising answer is told.
const TOLD_MAX: usize = 300;
/// A character of the tag at the end of a token.
const TAG_PLACE: usize = 50;

/// What one connection's task keeps.
#[derive(Default)]
struct Desk {
    connection: Option<Connection>,
    request: Vec<u8>,
    body: Vec<u8>,
}

/// When a request was sent, and the day it is meant for.
#[derive(Clone, Copy)]
struct Sent {
    at_ms: i64,
    day: Option<usize>,
    names_day: bool,
}

impl Local {
    /// Serves an edge's pool until the load ends.
    pub(super) async fn serve(self: Rc<Self>, edge: usize) {
        let mut desk = Desk::default();
        while let Some(job) = self.pools[edge].next().await {
            if job.is_overdue(Instant::now()) {
                self.overdue(&job);
                continue;
            }
            self.send(job, edge, &mut desk).await;
        }
    }

    async fn send(&self, job: Job, edge: usize, desk: &mut Desk) {
        let at_ms = SystemClock.now_ms();
        let day = job.day.or_else(|| self.shared.days.at(at_ms));
        let names_day = day.is_some() && (job.cast.names_day || job.attempts > 0);
        let sent = Sent { at_ms, day, names_day };
        self.write(&job, edge, sent, desk);
        if job.cast.new_connection {
            desk.connection = None;
        }
        let (outcome, retry_after_s) = match self.exchange(&job, edge, desk).await {
            Ok((status, retry_after_s)) => {
                if status == 503 {
                    self.meter.unavailable(retry_after_s);
                }
                let body = desk.connection.as_ref().map_or(&[][..], Connection::body);
                let is_over = self.may_be_over(sent);
                let outcome = outcome(job.cast.kind, is_over, status, body);
                if job.cast.kind == Kind::Ballot && outcome == Outcome::Rejected {
                    self.meter.outside();
                }
                self.note(&job, sent, outcome, (status, body));
                (outcome, retry_after_s)
            }
            Err(outcome) => {
                self.note(&job, sent, outcome, (0, &[]));
                (outcome, None)
            }
        };
        if desk.connection.as_ref().is_some_and(Connection::is_closed) {
            desk.connection = None;
        }
        self.meter.answered(outcome, job.intended.elapsed());
        if job.cast.kind == Kind::Ballot && is_sent_again(outcome) {
            self.again(Job { attempts: job.attempts + 1, day, ..job }, retry_after_s);
        } else {
            self.settled();
        }
    }

    /// Sends what the desk has; the status and `Retry-After` of the answer, or what came instead.
    async fn exchange(
        &self,
        job: &Job,
        edge: usize,
        desk: &mut Desk,
    ) -> Result<(u16, Option<u32>), Outcome> {
        let until = Instant::now() + self.shared.timeout;
        if desk.connection.is_none() {
            let opening = Connection::open(self.shared.edges[edge].address);
            let opened = tokio::time::timeout_at(until, opening).await;
            let opened = opened.ok().and_then(Result::ok).ok_or(Outcome::NotSent)?;
            desk.connection = Some(opened);
        }
        let connection = desk.connection.as_mut().ok_or(Outcome::NotSent)?;
        self.meter.sent(job.intended.elapsed());
        match timeout(self.shared.timeout, connection.exchange(&desk.request)).await {
            Ok(Ok(head)) => Ok((head.status, head.retry_after_s)),
            Ok(Err(_)) | Err(_) => {
                desk.connection = None;
                Err(Outcome::NoAnswer)
            }
        }
    }

    fn write(&self, job: &Job, edge: usize, sent: Sent, desk: &mut Desk) {
        let (population, cast) = (&self.shared.population, job.cast);
        desk.body.clear();
        desk.request.clear();
        match cast.kind {
            Kind::Invalid => invalid(cast.voter, population.choice_count(), &mut desk.body),
            Kind::Ballot | Kind::Forged => {
                let day = sent.day.filter(|_| sent.names_day);
                let day = day.map(|day| self.shared.days.text(day));
                body(&population.choices(cast.voter, cast.variation), day, &mut desk.body);
            }
        }
        let mut token = population.token(cast.voter).into_bytes();
        if cast.kind == Kind::Forged {
            token[TAG_PLACE] = if token[TAG_PLACE] == b'A' { b'B' } else { b'A' };
        }
        self.shared.edges[edge].origin.ballot(&mut desk.request, &token, &desk.body);
    }

    /// Whether the day a request is meant for may not have begun, or be over, by any clock.
    fn may_be_over(&self, sent: Sent) -> bool {
        let now_ms = SystemClock.now_ms();
        let days = &self.shared.days;
        let all_in = |at_ms| sent.day.is_some() && days.at(at_ms) == sent.day;
        !all_in(sent.at_ms - crate::days::SKEW_MS) || !all_in(now_ms + crate::days::SKEW_MS)
    }

    /// Notes what is known of a request by its outcome.
    fn note(&self, job: &Job, sent: Sent, outcome: Outcome, (status, body): (u16, &[u8])) {
        if outcome == Outcome::Unexpected {
            self.meter.surprise(|| {
                let told = String::from_utf8_lossy(&body[..body.len().min(TOLD_MAX)]);
                format!("a request of kind {:?} was answered {status}: {told}", job.cast.kind)
            });
        }
        if job.cast.kind != Kind::Ballot || outcome == Outcome::NotSent {
            return;
        }
        let (notes, voter) = (&self.shared.notes, job.cast.voter);
        let possible = Cell::possible(job.cast.variation).and(Cell::SENT);
        match outcome {
            Outcome::Acknowledged => self.acknowledged(job, sent, body),
            Outcome::InDoubt | Outcome::NoAnswer => self.doubt(voter, sent, possible),
            // Nobody promises that nothing came of an error inside.
            Outcome::Unexpected if status >= 500 => self.doubt(voter, sent, possible),
            Outcome::AlreadyVoted => {
                if let Some(day) = sent.day {
                    notes.add(voter, day, Cell::SENT.and(Cell::ALREADY));
                }
            }
            Outcome::Rejected | Outcome::Unexpected | Outcome::Shed | Outcome::NotSent => {
                if let Some(day) = sent.day {
                    notes.add(voter, day, Cell::SENT);
                }
            }
        }
    }

    fn doubt(&self, voter: u64, sent: Sent, possible: Cell) {
        let (days, notes) = (&self.shared.days, &self.shared.notes);
        let flags = possible.and(Cell::IN_DOUBT);
        if let Some(day) = sent.day.filter(|_| sent.names_day) {
            notes.add(voter, day, flags);
            return;
        }
        // Without a day it may have become a ballot of any day until now, and for some time on.
        for day in days.between(sent.at_ms, SystemClock.now_ms()) {
            notes.add(voter, day, flags);
        }
    }

    fn acknowledged(&self, job: &Job, sent: Sent, body: &[u8]) {
        let (days, cast) = (&self.shared.days, job.cast);
        let told = text_field(body, "day").and_then(|day| days.named(day));
        let is_sound = told.is_some_and(|told| {
            sent.day == Some(told)
                || !sent.names_day
                    && days.between(sent.at_ms, SystemClock.now_ms()).any(|day| day == told)
        });
        if !is_sound {
            // Relaxed: read when the threads have been joined.
            self.shared.unsound.fetch_add(1, Ordering::Relaxed);
            self.meter.surprise(|| {
                let told = String::from_utf8_lossy(&body[..body.len().min(TOLD_MAX)]);
                format!("a ballot was acknowledged for a day it was not sent for: {told}")
            });
        }
        let Some(day) = told else { return };
        let flags = Cell::possible(cast.variation).and(Cell::SENT).and(Cell::ACKNOWLEDGED);
        if !self.shared.notes.add(cast.voter, day, flags).has(Cell::ACKNOWLEDGED) {
            self.shared.acknowledged.fetch_add(1, Ordering::Relaxed);
        }
        self.sample(|| {
            let receipt = text_field(body, "receipt")?.parse().ok()?;
            Some(Sample { voter: cast.voter, variation: cast.variation, day, receipt })
        });
    }
}

/// The body of a ballot; with the day it is meant for, if that is given.
fn body(choices: &ChoiceSet, day: Option<&str>, into: &mut Vec<u8>) {
    let mut digits = [0; 20];
    into.extend_from_slice(b"{\"choices\":");
    let mut before = b'[';
    for number in choices.iter() {
        into.push(before);
        into.extend_from_slice(decimal(number.into(), &mut digits));
        before = b',';
    }
    into.push(b']');
    if let Some(day) = day {
        into.extend_from_slice(b",\"day\":\"");
        into.extend_from_slice(day.as_bytes());
        into.push(b'"');
    }
    into.push(b'}');
}

/// A body that must be refused: too high a number, none, one twice, no ballot at all.
fn invalid(voter: u64, choices: u32, into: &mut Vec<u8>) {
    let text = match voter % 4 {
        0 => format!("{{\"choices\":[{}]}}", choices + 1),
        1 => "{\"choices\":[]}".to_owned(),
        2 => "{\"choices\":[1,1]}".to_owned(),
        _ => "{\"choices\":".to_owned(),
    };
    into.extend_from_slice(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ballot_is_written_with_its_choices_and_with_its_day_if_it_names_one() {
        let choices: ChoiceSet = [7, 1, 20].into_iter().collect();
        let written = |day| {
            let mut into = Vec::new();
            body(&choices, day, &mut into);
            String::from_utf8(into).unwrap()
        };
        assert_eq!(written(None), r#"{"choices":[1,7,20]}"#);
        let with_day = r#"{"choices":[1,7,20],"day":"2023-12-18"}"#;
        assert_eq!(written(Some("2023-12-18")), with_day);
    }
}
