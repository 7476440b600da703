//! `weir campaign`: a campaign file to start from, or one moved to start today.
//!
//! Several processes on Kafka must have the very same campaign, today and tomorrow; so a moved one
//! is a file that is made once. Never here: a file written over.

use std::io::{self, Write as _};

use ballot::{Campaign, local_date};
use journal::{Clock as _, SystemClock};

use crate::args::CampaignArgs;
use crate::config::{campaign_text, write_new, wrong_campaign};
use crate::exit::Failure;
use crate::say;

pub(crate) fn run(args: &CampaignArgs) -> Result<(), Failure> {
    let file = args.campaign.as_deref();
    let mut text = campaign_text(file)?;
    let mut campaign = Campaign::parse(&text).map_err(|error| wrong_campaign(file, &error))?;
    if args.from_today {
        let now_ms = SystemClock.now_ms();
        let today = local_date(&campaign.zone, now_ms).ok_or_else(|| {
            Failure::configuration(format!("the clock shows no usable time ({now_ms} ms); set it"))
        })?;
        let moved = Campaign::text_moved_to_start(&text, today);
        text = moved.map_err(|error| wrong_campaign(file, &error))?;
        campaign = Campaign::parse(&text).map_err(|error| wrong_campaign(file, &error))?;
    }
    let Some(output) = &args.output else {
        return io::stdout().lock().write_all(text.as_bytes()).map_err(|error| {
            Failure::internal(format!("the campaign cannot be written out: {error}"))
        });
    };
    let name = output.display();
    let made = write_new(output, &text).map_err(|error| {
        Failure::configuration(format!("--output {name}: cannot be written: {error}"))
    })?;
    if made {
        let days = campaign.days();
        let of = |day: Option<&ballot::Day>| day.map_or(String::new(), |day| day.day.to_string());
        let (first, last) = (of(days.first()), of(days.last()));
        let (id, zone) = (&campaign.id, &campaign.zone);
        say(&format!("wrote {id} to {name}: its voting days are {first} to {last}, {zone}"));
    } else {
        say(&format!("{name} is there already and stays as it is"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_campaign_is_moved_into_a_file_once_and_runs_now() {
        let folder = tempfile::tempdir().unwrap();
        let output = folder.path().join("new/demo.toml");
        let args = CampaignArgs { campaign: None, from_today: true, output: Some(output.clone()) };
        run(&args).unwrap();
        let text = fs::read_to_string(&output).unwrap();
        let campaign = Campaign::parse(&text).unwrap();
        let now_ms = SystemClock.now_ms();
        assert!((campaign.opens_at_ms..campaign.closes_at_ms).contains(&now_ms));
        fs::write(&output, "as it was").unwrap();
        run(&args).unwrap();
        assert_eq!(fs::read_to_string(&output).unwrap(), "as it was");
        // And it can be moved again, as any file.
        fs::write(&output, text).unwrap();
        let again = folder.path().join("again.toml");
        run(&CampaignArgs { campaign: Some(output), from_today: true, output: Some(again) })
            .unwrap();
    }
}
