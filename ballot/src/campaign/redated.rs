//! A campaign file's text with other dates: what [`Campaign::moved_to_start`] does to a campaign,
//! done to its file, comments and all.
//!
//! Invariant: the text made here parses to exactly the campaign that was moved. Never here: a
//! change of anything but the two dates.

use toml::de::DeTable;

use super::{Campaign, CampaignError, Problem, days};
use crate::VotingDay;

impl Campaign {
    /// The text of a campaign file, with the dates the campaign has when it is moved to start on
    /// `date`.
    ///
    /// # Errors
    /// What is wrong with the text, with the move, or with saying its dates in a file.
    pub fn text_moved_to_start(text: &str, date: VotingDay) -> Result<String, CampaignError> {
        let moved = Self::parse(text)?.moved_to_start(date)?;
        let problem = |fix: &str| {
            CampaignError::from(Problem {
                line: None,
                field: "opens_at".to_owned(),
                fix: fix.to_owned(),
            })
        };
        let table = DeTable::parse(text).map_err(|error| problem(error.message()))?;
        let mut dates = Vec::new();
        for (key, value) in table.get_ref() {
            let at_ms = match key.get_ref().as_ref() {
                "opens_at" => moved.opens_at_ms,
                "closes_at" => moved.closes_at_ms,
                _ => continue,
            };
            dates.push((value.span(), days::local_time(&moved.time_zone, at_ms).to_string()));
        }
        // The last one first: what stands before it stays where it is.
        dates.sort_by_key(|(span, _)| std::cmp::Reverse(span.start));
        let mut redated = text.to_owned();
        for (span, date) in dates {
            redated.replace_range(span, &date);
        }
        if Self::parse(&redated)? != moved {
            return Err(problem("cannot be said in a file; give another day"));
        }
        Ok(redated)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HUBEI: &str = include_str!("../../../campaigns/hubei-2023.toml");

    fn day(text: &str) -> VotingDay {
        text.parse().unwrap()
    }

    #[test]
    fn a_file_moves_as_its_campaign_does_and_keeps_all_the_rest() {
        let redated = Campaign::text_moved_to_start(HUBEI, day("2026-11-23")).unwrap();
        let campaign = Campaign::parse(HUBEI).unwrap();
        let moved = campaign.moved_to_start(day("2026-11-23")).unwrap();
        assert_eq!(Campaign::parse(&redated).unwrap(), moved);
        let changed = HUBEI.lines().zip(redated.lines()).filter(|(before, after)| before != after);
        let changed: Vec<&str> = changed.map(|(_, after)| after).collect();
        let dates = ["opens_at = 2026-11-23T00:00:00", "closes_at = 2026-11-29T17:00:00"];
        assert_eq!(changed, dates);
        assert_eq!(HUBEI.lines().count(), redated.lines().count());
        // Again, and to the same day: nothing more happens.
        assert_eq!(Campaign::text_moved_to_start(&redated, day("2026-11-23")).unwrap(), redated);
    }

    #[test]
    fn a_start_that_no_file_can_say_is_refused() {
        // That midnight came twice in Azores, whose clocks went back over it.
        let text = HUBEI.replace("Asia/Shanghai", "Atlantic/Azores");
        let error = Campaign::text_moved_to_start(&text, day("2023-10-29")).unwrap_err();
        assert!(error.to_string().contains("comes twice"), "{error}");
        assert!(Campaign::text_moved_to_start("id = 1", day("2023-10-29")).is_err());
    }
}
