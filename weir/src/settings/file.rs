//! The file of `--config`: TOML, whose keys are the flags' long names.
//!
//! Everything that is wrong with it is told at once, each with its line and what to give. Never
//! here: a look at which command will use a value; one file is for all of them.

use std::ffi::OsString;
use std::fs;
use std::path::Path;

use toml::de::{DeTable, DeValue};

use super::{CONFIG, Said};
use crate::exit::Failure;

const KINDS: &str = "give a text in quotes, a number, true or false, or a list of texts";

/// What a file says. `known` are the names of all settings.
pub(super) fn read(file: &Path, known: &[String]) -> Result<Vec<Said>, Failure> {
    let name = file.display();
    let text = fs::read_to_string(file).map_err(|error| {
        Failure::configuration(format!("--config {name}: cannot be read: {error}"))
    })?;
    let said = parse(&text, known).map_err(|problems| {
        let problems: Vec<_> =
            problems.iter().map(|problem| format!("{name}: {problem}")).collect();
        Failure::configuration(problems.join("\n"))
    })?;
    let placed = |said: Said| Said { place: format!("{name}: {}", said.place), ..said };
    Ok(said.into_iter().map(placed).collect())
}

fn parse(text: &str, known: &[String]) -> Result<Vec<Said>, Vec<String>> {
    let line = |at: usize| 1 + text.bytes().take(at).filter(|byte| *byte == b'\n').count();
    let table = DeTable::parse(text).map_err(|error| {
        let line = line(error.span().unwrap_or_default().start);
        vec![format!("line {line}: {}; mend the syntax", error.message())]
    })?;
    let (mut said, mut problems) = (Vec::new(), Vec::new());
    for (key, value) in table.get_ref() {
        let name = key.get_ref().to_string();
        let place = format!("line {}: {}", line(key.span().start), name.escape_debug());
        match unknown(&name, known).map_or_else(|| values(value.get_ref()), Err) {
            Ok(values) => said.push(Said { name, place, values }),
            Err(fix) => problems.push((key.span().start, format!("{place}: {fix}"))),
        }
    }
    problems.sort_unstable();
    if problems.is_empty() {
        Ok(said)
    } else {
        Err(problems.into_iter().map(|(_, problem)| problem).collect())
    }
}

/// What is wrong with a name.
fn unknown(name: &str, known: &[String]) -> Option<String> {
    if name == CONFIG {
        return Some("a file cannot name another one; remove it".to_owned());
    }
    if known.iter().any(|known| known == name) {
        return None;
    }
    let dashed = name.replace('_', "-");
    if known.contains(&dashed) {
        return Some(format!("is not a setting; write {dashed}"));
    }
    let known: Vec<_> = known.iter().filter(|known| *known != CONFIG).map(String::as_str).collect();
    Some(format!("is not a setting; remove it, or give one of {}", known.join(", ")))
}

fn values(value: &DeValue<'_>) -> Result<Vec<OsString>, String> {
    match value.as_array() {
        Some(list) => list.iter().map(|value| scalar(value.get_ref())).collect(),
        None => Ok(vec![scalar(value)?]),
    }
}

fn scalar(value: &DeValue<'_>) -> Result<OsString, String> {
    let wrong = || format!("this is of type {}; {KINDS}", value.type_str());
    if let Some(text) = value.as_str() {
        return Ok(text.into());
    }
    if let Some(flag) = value.as_bool() {
        return Ok(flag.to_string().into());
    }
    let number = value.as_integer().ok_or_else(wrong)?;
    let number = i64::from_str_radix(number.as_str(), number.radix()).map_err(|_| wrong())?;
    Ok(number.to_string().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known() -> Vec<String> {
        ["campaign", "config", "listen", "ops-listen", "partitions"].map(str::to_owned).to_vec()
    }

    #[test]
    fn texts_numbers_flags_and_lists_are_values() {
        let text = "listen = \"[::1]:0\"\n# how many\npartitions = 1_2\n\
                    campaign = [\"a.toml\", \"b.toml\"]\nops-listen = true\n";
        let mut said = parse(text, &known()).unwrap();
        said.sort_by(|a, b| a.place.cmp(&b.place));
        let said: Vec<_> = said.iter().map(|said| (said.place.as_str(), &said.values)).collect();
        let values = |values: &[&str]| values.iter().map(OsString::from).collect::<Vec<_>>();
        assert_eq!(
            said,
            [
                ("line 1: listen", &values(&["[::1]:0"])),
                ("line 3: partitions", &values(&["12"])),
                ("line 4: campaign", &values(&["a.toml", "b.toml"])),
                ("line 5: ops-listen", &values(&["true"])),
            ]
        );
    }

    #[test]
    fn everything_that_is_wrong_is_told_with_its_line_and_what_to_give() {
        let text = "lisen = \"x\"\nops_listen = \"x\"\nconfig = \"x\"\npartitions = 1.5\n\
                    [campaign]\n";
        let problems = parse(text, &known()).unwrap_err();
        let expected = [
            "line 1: lisen: is not a setting; remove it, or give one of campaign, listen, ",
            "line 2: ops_listen: is not a setting; write ops-listen",
            "line 3: config: a file cannot name another one",
            "line 4: partitions: this is of type float; give ",
            "line 5: campaign: this is of type table; give ",
        ];
        assert_eq!(problems.len(), expected.len(), "{problems:?}");
        for (problem, expected) in problems.iter().zip(expected) {
            assert!(problem.starts_with(expected), "{problem}");
        }
        let syntax = parse("a = 1\nb = \n", &known()).unwrap_err();
        assert!(syntax[0].starts_with("line 2: ") && syntax.len() == 1, "{syntax:?}");
    }
}
