//! Who is asking, what day it is, and the voter's own ballot of today: all that is personal on a
//! voting page.
//!
//! Invariant: it costs a check of a signature and a look into memory, whoever asks how often: it is
//! asked on every view. Never here: a call to WeChat, or a word about anybody else.

use ballot::{Receipt, Rules, Token, VotingDay};
use hyper::Response;
use hyper::header::HeaderMap;
use journal::Journal;
use serde::Serialize;

use super::private;
use crate::edge::{Shared, json};
use crate::refusal::Refusal;
use crate::remembered::Acknowledged;
use crate::server::Body;

#[derive(Debug, Serialize)]
struct Me {
    now_ms: i64,
    mode: &'static str,
    signed_in: bool,
    follower: bool,
    state: &'static str,
    day: Option<VotingDay>,
    day_ends_at_ms: Option<i64>,
    opens_at_ms: i64,
    closes_at_ms: i64,
    /// The next instant at which this voter may cast a ballot, where that is not now.
    next_chance_at_ms: Option<i64>,
    ballot: Option<Cast>,
}

/// Today's ballot, as far as this edge remembers.
#[derive(Debug, Serialize)]
struct Cast {
    #[serde(serialize_with = "as_text")]
    receipt: Receipt,
    day: VotingDay,
    choices: Vec<u32>,
}

fn as_text<S: serde::Serializer>(receipt: &Receipt, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(receipt)
}

/// Answers whoever asks.
pub(super) fn answer<J: Journal>(
    edge: &Shared<J>,
    id: &str,
    headers: &HeaderMap,
) -> Result<Response<Body>, Refusal> {
    let hosted = edge.campaign(id)?;
    let voting = hosted.voting()?;
    let now_ms = edge.clock.now_ms();
    // Whatever is wrong with a token, its bearer is nobody yet; why is said to who casts a ballot.
    let token = hosted.token(headers, now_ms).ok();
    let rules = voting.batcher.rules();
    let today = rules.day_at(now_ms).map(|day| day.day);
    let known =
        today.zip(token).and_then(|(day, token)| voting.batcher.acknowledged(token.voter, day));
    let me = Me { mode: voting.sign_in.mode.name(), ..me(&rules, now_ms, token, known) };
    let me = serde_json::to_vec(&me).expect("strings and numbers are always JSON");
    Ok(private(json(me)))
}

fn me(rules: &Rules, now_ms: i64, token: Option<Token>, known: Option<Acknowledged>) -> Me {
    let (opens_at_ms, closes_at_ms) = (rules.opens_at_ms(), rules.closes_at_ms());
    let today = rules.day_at(now_ms);
    let is_early = now_ms < opens_at_ms;
    let next_chance_at_ms = match today {
        None => is_early.then_some(opens_at_ms),
        Some(day) if known.is_some() => Some(day.end_ms).filter(|end_ms| *end_ms < closes_at_ms),
        Some(_) => None,
    };
    Me {
        now_ms,
        mode: "",
        signed_in: token.is_some(),
        follower: token.is_some_and(|token| token.follower),
        state: match today {
            Some(_) => "open",
            None if is_early => "not_open",
            None => "closed",
        },
        day: today.map(|day| day.day),
        day_ends_at_ms: today.map(|day| day.end_ms),
        opens_at_ms,
        closes_at_ms,
        next_chance_at_ms,
        ballot: known.map(|known| Cast {
            receipt: known.receipt,
            day: known.day,
            choices: known.choices.iter().collect(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use ballot::{Campaign, ChoiceSet, JournalId, VoterId};

    use super::*;

    const HOUR_MS: i64 = 3_600_000;

    fn rules() -> Rules {
        let text = "id = \"c\"\ntitle = \"T\"\nzone = \"Asia/Shanghai\"\n\
                    opens_at = 2023-12-18T10:00:00\ncloses_at = 2023-12-19T17:00:00\n\
                    choices_per_ballot_max = 1\n[[choices]]\nnumber = 1\ntitle = \"A\"\n";
        Rules::new(&Campaign::parse(text).unwrap(), JournalId([0; 16]), 1, [0; 16])
    }

    #[test]
    fn the_next_chance_is_the_opening_then_the_next_day_and_after_the_last_there_is_none() {
        let rules = rules();
        let (opens, closes) = (rules.opens_at_ms(), rules.closes_at_ms());
        let midnight = rules.days[1].start_ms;
        let voter = VoterId { high: 1, low: 2 };
        let token = Token { voter, follower: true, fresh: false, expires_at_s: 0 };
        let cast = |day: usize| Acknowledged {
            day: rules.days[day].day,
            choices: ChoiceSet::new(),
            receipt: Receipt { partition: 0, offset: 1, index: 2 },
        };
        for (now_ms, known, state, next, ends) in [
            (opens - 1, None, "not_open", Some(opens), None),
            (opens, None, "open", None, Some(midnight)),
            (opens, Some(cast(0)), "open", Some(midnight), Some(midnight)),
            (midnight, None, "open", None, Some(closes)),
            (closes - HOUR_MS, Some(cast(1)), "open", None, Some(closes)),
            (closes, None, "closed", None, None),
        ] {
            let me = me(&rules, now_ms, Some(token), known);
            assert_eq!((me.state, me.next_chance_at_ms, me.day_ends_at_ms), (state, next, ends));
            assert_eq!(me.day.is_some(), state == "open");
            assert_eq!(me.ballot.is_some(), known.is_some());
        }
    }
}
