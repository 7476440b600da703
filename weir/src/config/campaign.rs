//! Campaign files: the one given, or the one inside the program.
//!
//! What is wrong with a file is told all at once, each problem with its line and field.

use std::fs;
use std::path::Path;

use ballot::{Campaign, CampaignError};

use super::keys_file;
use crate::exit::Failure;

/// The campaign that `weir up` shows when none is given.
const BUILT_IN: &str = include_str!("../../../campaigns/hubei-2023.toml");

/// The campaign of a file; `None` is the built-in one.
pub(crate) fn read(file: Option<&Path>) -> Result<Campaign, Failure> {
    Campaign::parse(&text(file)?).map_err(|error| wrong(file, &error))
}

/// The text of a campaign file; `None` is the built-in one's.
pub(crate) fn text(file: Option<&Path>) -> Result<String, Failure> {
    let Some(file) = file else { return Ok(BUILT_IN.to_owned()) };
    fs::read_to_string(file).map_err(|error| {
        let name = file.display();
        Failure::configuration(format!("--campaign {name}: cannot be read: {error}"))
    })
}

/// What is wrong with a campaign file, or with the built-in one.
pub(crate) fn wrong(file: Option<&Path>, error: &CampaignError) -> Failure {
    let Some(file) = file else {
        return Failure::internal(format!("the built-in campaign: {error}"));
    };
    let name = file.display();
    let problems: Vec<_> =
        error.problems.iter().map(|problem| format!("{name}: {problem}")).collect();
    Failure::configuration(problems.join("\n"))
}

/// Refuses two campaigns of one id, and keys that would be several campaigns' at once.
pub(crate) fn all_different(campaigns: &[Campaign], keys: Option<&Path>) -> Result<(), Failure> {
    let mut ids: Vec<_> = campaigns.iter().map(|campaign| campaign.id.as_str()).collect();
    ids.sort_unstable();
    if let Some(twice) = ids.windows(2).find(|pair| pair[0] == pair[1]) {
        return Err(Failure::configuration(format!(
            "--campaign: two files have the id {}; give one of them another id",
            twice[0]
        )));
    }
    if campaigns.len() > 1 && keys.is_some_and(|keys| keys_file(keys, "") == keys) {
        return Err(Failure::configuration(
            "--keys: every campaign has keys of its own; with several campaigns, give a directory \
             that has ID.keys.toml for each",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_campaign_is_sound() {
        assert_eq!(read(None).unwrap().id, "hubei-2023");
    }
}
