//! A campaign as the page needs it: what to vote for, by which rules, when, and what time it is.
//!
//! Its texts are serialised when they are given; the window and the limits come from the newest
//! rules, since an organiser may extend a campaign that runs. Invariant: it is made once a second
//! at most, and all answers of that second share its bytes: what is not read costs nothing more.
//! Never here: a secret.

use std::sync::{Arc, Mutex, PoisonError};

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

/// How exactly the document tells the time. The page that votes asks elsewhere, to the millisecond.
const MADE_EVERY_MS: i64 = 1_000;

/// The document of a campaign with the texts it has now.
#[derive(Debug)]
pub(crate) struct Document {
    fixed: Vec<u8>,
    newest: Mutex<Option<Made>>,
}

/// The document of one second, and the rules that it tells.
#[derive(Debug)]
struct Made {
    now_ms: i64,
    rules: Arc<Rules>,
    json: Bytes,
}

impl Document {
    pub(crate) fn of(campaign: &Campaign) -> Self {
        Self { fixed: fixed_part(campaign), newest: Mutex::default() }
    }

    /// The document at this time, told in whole seconds.
    fn at(&self, rules: Arc<Rules>, now_ms: i64) -> Bytes {
        let now_ms = now_ms - now_ms.rem_euclid(MADE_EVERY_MS);
        // Held for some microseconds once a second, and else for a comparison.
        let mut newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(made) = newest.as_ref().filter(|m| m.now_ms == now_ms && m.rules == rules) {
            return made.json.clone();
        }
        let moving = serde_json::to_vec(&moving(&rules, now_ms));
        let moving = moving.expect("strings and numbers are always JSON");
        let mut json = Vec::with_capacity(self.fixed.len() + moving.len());
        json.extend_from_slice(&self.fixed);
        json.push(b',');
        json.extend_from_slice(moving.get(1..).unwrap_or_default());
        let json = Bytes::from(json);
        *newest = Some(Made { now_ms, rules, json: json.clone() });
        json
    }
}

/// The beginning of the document: an object without its closing brace.
fn fixed_part(campaign: &Campaign) -> Vec<u8> {
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
    json
}

/// Answers with the document as of now.
pub(crate) fn answer<J: Journal>(edge: &Shared<J>, id: &str) -> Result<Response<Body>, Refusal> {
    let hosted = edge.campaign(id)?;
    Ok(json(hosted.document().at(hosted.rules(), edge.clock.now_ms())))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_is_made_once_a_second_and_at_once_for_other_rules() {
        let text = "id = \"c\"\ntitle = \"A\"\nzone = \"UTC\"\n\
                    opens_at = 2026-01-01T00:00:00\ncloses_at = 2026-01-02T00:00:00\n\
                    choices_per_ballot_max = 1\n[[choices]]\nnumber = 1\ntitle = \"T\"\n";
        let campaign = Campaign::parse(text).unwrap();
        let rules = Arc::new(Rules::new(&campaign, ballot::JournalId([0; 16]), 1, [0; 16]));
        let opens_ms = rules.opens_at_ms();
        let document = Document::of(&campaign);
        let at = |rules: &Arc<Rules>, now_ms| document.at(Arc::clone(rules), now_ms);
        let first = at(&rules, opens_ms);
        // The very bytes, not others like them.
        assert_eq!(at(&rules, opens_ms + 999).as_ptr(), first.as_ptr());
        let told: serde_json::Value = serde_json::from_slice(&first).unwrap();
        assert_eq!((&told["now"], &told["title"]), (&told["opens_at"], &"A".into()));
        assert!(told["day"].is_string());
        assert_ne!(at(&rules, opens_ms + 1_000), first);
        let before: serde_json::Value = serde_json::from_slice(&at(&rules, opens_ms - 1)).unwrap();
        assert!(before["day"].is_null(), "{before}");
        let others = Arc::new(Rules { choices_per_ballot_max: 2, ..(*rules).clone() });
        assert_ne!(at(&others, opens_ms - 1), at(&rules, opens_ms - 1));
    }
}
