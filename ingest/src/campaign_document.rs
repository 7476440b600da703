//! A campaign as the page needs it: what to vote for, by which rules, when, and what time it is.
//!
//! Its texts are serialised when they are given; the window and the limits come from the newest
//! rules, since an organiser may extend a campaign that runs. Never here: a secret.

use ballot::{Campaign, Rules, VotingDay};
use bytes::Bytes;
use hyper::Response;
use journal::Journal;
use serde::Serialize;

use crate::edge::{Shared, json};
use crate::refusal::Refusal;
use crate::server::Body;
use ballot::rfc3339;

#[derive(Serialize)]
struct Fixed<'a> {
    id: &'a str,
    title: &'a str,
    organiser: Option<&'a str>,
    zone: &'a str,
    followers_only: bool,
    choices: Vec<Choice<'a>>,
}

#[derive(Serialize)]
struct Choice<'a> {
    number: u32,
    title: &'a str,
    organisation: Option<&'a str>,
    summary: Option<&'a str>,
}

#[derive(Serialize)]
struct Moving {
    choices_per_ballot_min: u32,
    choices_per_ballot_max: u32,
    opens_at: String,
    closes_at: String,
    days: Vec<Day>,
    now: String,
    day: Option<VotingDay>,
}

#[derive(Serialize)]
struct Day {
    day: VotingDay,
    start: String,
    end: String,
}

/// The beginning of the document: an object without its closing brace.
pub(crate) fn fixed_part(campaign: &Campaign) -> Bytes {
    let choices = campaign.choices.iter().map(|choice| Choice {
        number: choice.number,
        title: &choice.title,
        organisation: choice.organisation.as_deref(),
        summary: choice.summary.as_deref(),
    });
    let fixed = Fixed {
        id: &campaign.id,
        title: &campaign.title,
        organiser: campaign.organiser.as_deref(),
        zone: &campaign.zone,
        followers_only: campaign.followers_only,
        choices: choices.collect(),
    };
    let mut json = serde_json::to_vec(&fixed).expect("strings and numbers are always JSON");
    json.truncate(json.len() - 1);
    json.into()
}

/// Answers with the document as of now.
pub(crate) fn answer<J: Journal>(edge: &Shared<J>, id: &str) -> Result<Response<Body>, Refusal> {
    let hosted = edge.campaign(id)?;
    let moving = moving(&hosted.rules(), edge.clock.now_ms());
    let moving = serde_json::to_vec(&moving).expect("strings and numbers are always JSON");
    let texts = hosted.document();
    let mut document = Vec::with_capacity(texts.len() + moving.len());
    document.extend_from_slice(&texts);
    document.push(b',');
    document.extend_from_slice(moving.get(1..).unwrap_or_default());
    Ok(json(document))
}

fn moving(rules: &Rules, now_ms: i64) -> Moving {
    let day = |day: &ballot::Day| Day {
        day: day.day,
        start: rfc3339(day.start_ms),
        end: rfc3339(day.end_ms),
    };
    Moving {
        choices_per_ballot_min: rules.choices_per_ballot_min,
        choices_per_ballot_max: rules.choices_per_ballot_max,
        opens_at: rfc3339(rules.opens_at_ms()),
        closes_at: rfc3339(rules.closes_at_ms()),
        days: rules.days.iter().map(day).collect(),
        now: rfc3339(now_ms),
        day: rules.day_at(now_ms).map(|day| day.day),
    }
}
