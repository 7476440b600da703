//! Campaign files: the one given, or the one inside the program.
//!
//! What is wrong with a file is told all at once, each problem with its line and field.

use std::fs;
use std::path::Path;

use ballot::Campaign;

use crate::exit::Failure;

/// The campaign that `weir up` shows when none is given.
const BUILT_IN: &str = include_str!("../../../campaigns/hubei-2023.toml");

/// The campaign of a file; `None` is the built-in one.
pub(crate) fn read(file: Option<&Path>) -> Result<Campaign, Failure> {
    let Some(file) = file else {
        return Campaign::parse(BUILT_IN).map_err(|error| {
            Failure::internal(format!("the built-in campaign does not parse: {error}"))
        });
    };
    let name = file.display();
    let text = fs::read_to_string(file).map_err(|error| {
        Failure::configuration(format!("--campaign {name}: cannot be read: {error}"))
    })?;
    Campaign::parse(&text).map_err(|error| {
        let problems: Vec<_> =
            error.problems.iter().map(|problem| format!("{name}: {problem}")).collect();
        Failure::configuration(problems.join("\n"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_campaign_is_sound() {
        assert_eq!(read(None).unwrap().id, "hubei-2023");
    }
}
