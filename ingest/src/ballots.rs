//! The way of a ballot through the edge, from its header to its receipt.
//!
//! Invariant: a permit comes before anything of the body, and 202 only on the journal's word. It
//! is the hot path: never here an allocation, a lock or a log line that is not needed.

use std::fmt::Write as _;

use ballot::{Ballot, Receipt, Risk, Rules, Token, VoterId, VotingDay};
use bytes::Bytes;
use hyper::body::Incoming;
use hyper::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderValue};
use hyper::{Response, StatusCode};
use journal::Journal;

use crate::abuse::TooOften;
use crate::asked::Asked;
use crate::batcher::Cast;
use crate::caller::{self, Prefix};
use crate::challenge::is_due;
use crate::edge::Shared;
use crate::hosted::Hosted;
use crate::problem::Problem;
use crate::refusal::Refusal;
use crate::server::{Body, BodyError, Limits, read_body_if};
use crate::submission::Submission;

/// `{"receipt":"1023-9007199254740992-1999","day":"2023-12-18"}`, rounded up.
const ANSWER_BYTES: usize = 64;
/// How many wrong numbers an answer names at most.
const NAMED_MAX: usize = 5;

/// Casts a ballot, or says why not.
pub(crate) async fn cast<J: Journal>(
    edge: &Shared<J>,
    campaign: &str,
    (headers, body): (&HeaderMap, Incoming),
    asked: &mut Asked<'_>,
) -> Result<Response<Body>, Refusal> {
    let hosted = edge.campaign(campaign)?;
    let batcher = &hosted.voting()?.batcher;
    let permit = batcher.admit().ok_or(Problem::Overloaded)?;
    if !is_json(headers) {
        return Err(Problem::UnsupportedMediaType.into());
    }
    if is_encoded(headers) {
        return Err(Problem::UnsupportedMediaType.because(
            "A ballot is sent without a content encoding.",
            "选票须以未压缩的形式提交。",
        ));
    }
    let token = hosted.token(headers, edge.clock.now_ms())?;
    let from = caller::address(&edge.site, asked.peer, headers).map(Prefix::of);
    let risk = match edge.abuse.judge(token.voter, from) {
        Ok(risk) => risk | Risk::FRESH.when(token.fresh),
        Err(why) => {
            // Boxed: what few ask for must not make every request's future larger.
            let known = Box::pin(known_again(edge, hosted, token.voter, body)).await;
            asked.is_whole();
            return known.ok_or_else(|| too_often(edge.abuse.refuse(why)));
        }
    };
    if !hosted.given.clock_check.is_sound() {
        return Err(Problem::JournalUnavailable.into());
    }
    // It holds a permit while it is waited for.
    let may_wait = || hosted.slow_bodies.wait_for(token.voter);
    let Limits { body_bytes_max, body_timeout, .. } = edge.limits;
    let body = read_body_if(body, body_bytes_max, body_timeout, may_wait).await?;
    asked.is_whole();
    let cast_at_ms = edge.clock.now_ms();
    let submission = Submission::parse(&body).map_err(|reason| malformed(&reason))?;
    let Token { voter, follower, .. } = token;
    if let Some(meant) = submission.day
        && let Some(known) = batcher.acknowledged(voter, meant)
        && known.choices == submission.choices
    {
        // A retry whose day may be over by now: its first attempt got through.
        return Ok(accepted(known.receipt, meant));
    }
    let rules = batcher.rules();
    let day = check(&rules, &submission, cast_at_ms)?;
    if hosted.given.campaign.followers_only && !follower {
        return Err(Problem::NotAFollower.into());
    }
    let choices = submission.choices;
    if let Some(known) = batcher.acknowledged(voter, day) {
        let retried = (known.choices == choices).then(|| accepted(known.receipt, day));
        return retried.ok_or_else(|| Problem::AlreadyVoted.into());
    }
    if let Some(challenge) = hosted.challenge.as_ref().filter(|_| is_due(risk)) {
        // Boxed: what few wait for must not make every request's future larger.
        Box::pin(challenge.pass(hosted, headers, (voter, cast_at_ms))).await?;
    }
    if hosted.is_closed(voter, day) {
        return Err(Problem::Closed.into());
    }
    if let Some(traced) = &mut asked.traced {
        traced.append_begins();
    }
    hosted.noted.count(risk);
    edge.turns.ballot();
    let fate = batcher.cast(permit, &Ballot { voter, choices, cast_at_ms }, risk).await;
    if let Some(traced) = &mut asked.traced {
        traced.append_ended(&fate);
    }
    match fate {
        Cast::Durable(receipt) => Ok(accepted(receipt, day)),
        Cast::Refused | Cast::InDoubt => Err(Problem::JournalUnavailable.into()),
    }
}

/// The answer to a voter who asks too often, if it is for the answer to today's ballot, which this
/// edge has acknowledged: a retry is to find it. It costs what a refusal does: a look into memory,
/// and nobody's body is read but that of a voter of whom there is such a ballot.
async fn known_again<J: Journal>(
    edge: &Shared<J>,
    hosted: &Hosted<J>,
    voter: VoterId,
    body: Incoming,
) -> Option<Response<Body>> {
    let batcher = &hosted.voting().ok()?.batcher;
    let today = batcher.rules().day_at(edge.clock.now_ms())?.day;
    let known = batcher.acknowledged(voter, today)?;
    let may_wait = || hosted.slow_bodies.wait_for(voter);
    let Limits { body_bytes_max, body_timeout, .. } = edge.limits;
    let body = read_body_if(body, body_bytes_max, body_timeout, may_wait).await.ok()?;
    let submission = Submission::parse(&body).ok()?;
    let Submission { choices, day, impossible, repeated, .. } = &submission;
    let is_it = *choices == known.choices && day.is_none_or(|meant| meant == today);
    let is_it = is_it && impossible.is_empty() && repeated.is_empty();
    is_it.then(|| accepted(known.receipt, today))
}

impl From<BodyError> for Refusal {
    fn from(error: BodyError) -> Self {
        match error {
            BodyError::TooLarge => Problem::TooLarge.into(),
            BodyError::TimedOut => Problem::RequestTimeout.into(),
            BodyError::Broken => Problem::RequestBroken.into(),
        }
    }
}

/// Whether the body is anything but plain: read as it is, it would be another ballot or none.
pub(crate) fn is_encoded(headers: &HeaderMap) -> bool {
    let mut encodings = headers.get_all(CONTENT_ENCODING).into_iter();
    encodings.any(|value| !value.as_bytes().trim_ascii().eq_ignore_ascii_case(b"identity"))
}

/// Whether the body says that it is JSON.
pub(crate) fn is_json(headers: &HeaderMap) -> bool {
    let Some(value) = headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes) else { return false };
    let essence = value.split(|byte| *byte == b';').next().unwrap_or_default();
    essence.trim_ascii().eq_ignore_ascii_case(b"application/json")
}

/// The voting day of a submission that arrives now, if it may be cast.
fn check(rules: &Rules, submission: &Submission, now_ms: i64) -> Result<VotingDay, Refusal> {
    let today = rules.day_at(now_ms).map(|day| day.day);
    if let (Some(meant), Some(today)) = (submission.day, today)
        && meant != today
    {
        // A retry after midnight must not become the next day's ballot.
        return Err(if meant > today { Problem::NotOpen.into() } else { day_over() });
    }
    check_choices(rules, submission)?;
    let early = now_ms < rules.opens_at_ms();
    today.ok_or_else(|| if early { Problem::NotOpen } else { Problem::Closed }.into())
}

fn check_choices(rules: &Rules, submission: &Submission) -> Result<(), Refusal> {
    let Submission { choices, impossible, repeated, .. } = submission;
    if rules.allows(choices) && impossible.is_empty() && repeated.is_empty() {
        return Ok(());
    }
    let unknown = impossible.iter().copied();
    let beyond = choices.iter().filter(|number| *number > rules.choices).map(i64::from);
    let unknown = named(unknown.chain(beyond));
    let repeated = named(repeated.iter().copied().map(i64::from));
    let (min, max) = (rules.choices_per_ballot_min, rules.choices_per_ballot_max);
    let count = choices.len();
    let (en, zh) = if !unknown.is_empty() {
        let n = rules.choices;
        (
            format!("There is no choice {unknown}; choices are numbered 1 to {n}."),
            format!("没有编号为 {unknown} 的选项，编号为 1 至 {n}。"),
        )
    } else if !repeated.is_empty() {
        (format!("Choice {repeated} is named more than once."), format!("选项 {repeated} 重复。"))
    } else {
        (
            format!("A ballot names {min} to {max} choices; this one names {count}."),
            format!("每张选票可选 {min} 至 {max} 项，您选了 {count} 项。"),
        )
    };
    Err(Problem::InvalidChoices.because(en, zh))
}

/// The first few of these numbers, as a list.
fn named(mut numbers: impl Iterator<Item = i64>) -> String {
    let first = numbers.by_ref().take(NAMED_MAX).map(|number| number.to_string());
    let mut list = first.collect::<Vec<_>>().join(", ");
    if numbers.next().is_some() {
        list.push('…');
    }
    list
}

/// The refusal of whoever asks too often.
pub(crate) fn too_often(who: TooOften) -> Refusal {
    match who {
        TooOften::Voter | TooOften::Connection => Problem::RateLimited.because(
            "You have asked very often. Please wait a little; a ballot you have cast stands.",
            "您的操作过于频繁，请稍候。已提交的选票不受影响。",
        ),
        TooOften::Prefix => Problem::RateLimited.because(
            "Very many ballots come from your network. Please try again in a moment.",
            "您所在的网络投票人数很多，请稍后重试。",
        ),
    }
}

fn malformed(reason: &str) -> Refusal {
    Problem::MalformedBallot.because(
        format!("This ballot could not be read: {reason}."),
        format!("选票格式有误，无法读取：{reason}。"),
    )
}

fn day_over() -> Refusal {
    Problem::Closed.because(
        "The voting day this ballot was meant for is over. You may vote for today.",
        "这张选票所属的投票日已经结束，您可以投今天的票。",
    )
}

fn accepted(receipt: Receipt, day: VotingDay) -> Response<Body> {
    let mut json = String::with_capacity(ANSWER_BYTES);
    // Writing to a string never fails.
    let written = write!(json, "{{\"receipt\":\"{receipt}\",\"day\":\"{day}\"}}");
    debug_assert!(written.is_ok());
    let mut response = Response::new(Body::fixed(Bytes::from(json)));
    *response.status_mut() = StatusCode::ACCEPTED;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_content_type_is_json_with_or_without_parameters_and_in_any_case() {
        for (value, expected) in [
            ("application/json", true),
            ("Application/JSON ; charset=utf-8", true),
            ("application/json-patch+json", false),
            ("text/plain", false),
            ("", false),
        ] {
            let headers = [(CONTENT_TYPE, value.parse().unwrap())].into_iter().collect();
            assert_eq!(is_json(&headers), expected, "{value}");
        }
        assert!(!is_json(&HeaderMap::new()));
    }

    #[test]
    fn a_list_of_wrong_numbers_is_cut() {
        assert_eq!(named([].into_iter()), "");
        assert_eq!(named([0, -1].into_iter()), "0, -1");
        assert_eq!(named(1..9), "1, 2, 3, 4, 5…");
    }
}
