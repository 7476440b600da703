//! Where a command's settings come from: flags over environment over file over defaults.
//!
//! clap alone knows which settings there are. Every flag `--NAME` may also be given as `WEIR_NAME`,
//! or as `NAME` in the file of `--config`; it is then put among the arguments and read like a flag.
//! Invariant: a setting comes from the highest of those that have it, whole; what conflicts with a
//! higher one gives way to it. Never here: a table of names, or what a value means.

mod file;
mod told;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;

use clap::error::ErrorKind;
use clap::{Arg, ArgAction, ArgMatches, Command, CommandFactory as _, FromArgMatches as _};

use crate::args::Cli;
use crate::exit::Failure;
pub(crate) use told::Settings;

const CONFIG: &str = "config";
/// What somebody has to say each time: said once and for all it would mean nothing.
const SAID_EACH_TIME: [&str; 2] = ["confirm", "before-close"];

/// Where a setting comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    Default,
    File,
    Environment,
    Flag,
}

/// Why there are no settings.
#[derive(Debug)]
pub(crate) enum Refused {
    /// clap has something to print: what is wrong with the flags, or what was asked for.
    Flags(clap::Error),
    /// The environment or the file is wrong.
    Elsewhere(Failure),
}

impl From<Failure> for Refused {
    fn from(failure: Failure) -> Self {
        Self::Elsewhere(failure)
    }
}

/// What the environment or the file says of a flag.
#[derive(Debug, PartialEq, Eq)]
struct Said {
    name: String,
    /// Where it says so, to be put in front of what is wrong with it.
    place: String,
    values: Vec<OsString>,
}

/// What a command is told by its arguments, its environment, and the file that either names.
pub(crate) fn read(
    args: impl IntoIterator<Item = OsString>,
    environment: impl Fn(&str) -> Option<OsString>,
) -> Result<(Cli, Settings), Refused> {
    let mut layers = Layers::of_flags(args.into_iter().collect()).map_err(Refused::Flags)?;
    let variables = layers.variables(environment);
    layers.add(Source::Environment, variables)?;
    if let Some(file) = layers.config.clone() {
        let known = named(&Cli::command());
        layers.add(Source::File, file::read(Path::new(&file), &known)?)?;
    }
    // All that can be wrong by now is that something is missing, wherever it may come from.
    let matches = Cli::command().try_get_matches_from(&layers.args).map_err(Refused::Flags)?;
    let settings = Settings::of(&layers.command, innermost(&matches), &layers.sources);
    let cli = Cli::from_arg_matches(&matches).map_err(Refused::Flags)?;
    Ok((cli, settings))
}

/// The variables that are named like a setting and are none of any command: a slip, it seems.
pub(crate) fn unknown_variables(names: impl Iterator<Item = OsString>) -> Vec<String> {
    let known = named(&Cli::command());
    let names = names.filter_map(|name| name.into_string().ok());
    let is_unknown = |name: &String| {
        let Some(setting) = name.strip_prefix("WEIR_") else { return false };
        // Kubernetes says such things of services named weir; the build says its revision.
        let is_others = setting.contains("SERVICE_") || setting.contains("PORT");
        let is_others = is_others || setting == "REVISION";
        !is_others && !known.iter().any(|known| variable(known) == *name)
    };
    let mut unknown: Vec<_> = names.filter(is_unknown).collect();
    unknown.sort_unstable();
    unknown
}

/// The variable of a setting.
fn variable(name: &str) -> String {
    format!("WEIR_{}", name.to_uppercase().replace('-', "_"))
}

/// The arguments as they grow, from the highest rank to the lowest.
struct Layers {
    /// The command that was chosen.
    command: Command,
    args: Vec<OsString>,
    /// Where its flags may stand among the arguments: behind its name, before its operands.
    at: usize,
    /// Of each flag that is given, by its long name.
    sources: BTreeMap<String, Source>,
    config: Option<OsString>,
}

impl Layers {
    fn of_flags(args: Vec<OsString>) -> Result<Self, clap::Error> {
        let matches = parse(&args)?;
        let mut command = Cli::command();
        // Puts global flags where they may be used.
        command.build();
        let (mut chosen, mut inner, mut at) = (&command, &matches, 1);
        while let Some((name, deeper)) = inner.subcommand() {
            let Some(found) = chosen.find_subcommand(name) else { break };
            let place = args.iter().skip(at).position(|arg| arg == name);
            (chosen, inner, at) = (found, deeper, at + place.map_or(0, |place| place + 1));
        }
        let given = settings(chosen).filter(|arg| {
            let source = inner.value_source(arg.get_id().as_str());
            source == Some(clap::parser::ValueSource::CommandLine)
        });
        let sources = given.map(|arg| (long(arg), Source::Flag)).collect();
        let config = settings(chosen).find(|arg| long(arg) == CONFIG);
        let config = config.and_then(|arg| inner.get_raw(arg.get_id().as_str())?.next());
        let (config, command) = (config.map(ToOwned::to_owned), chosen.clone());
        Ok(Self { command, args, at, sources, config })
    }

    /// What the environment says. A variable that is empty says nothing; one of a flag that may be
    /// given several times has commas between the values.
    fn variables(&self, look: impl Fn(&str) -> Option<OsString>) -> Vec<Said> {
        let said = settings(&self.command).filter_map(|arg| {
            let name = long(arg);
            let place = variable(&name);
            let value = look(&place).filter(|value| !value.is_empty())?;
            let values = match value.to_str().filter(|_| is_list(arg)) {
                Some(list) => list.split(',').map(OsString::from).collect(),
                None => vec![value],
            };
            Some(Said { name, place, values })
        });
        said.collect()
    }

    /// Adds what a layer says, as far as no higher one has said it.
    fn add(&mut self, source: Source, said: Vec<Said>) -> Result<(), Failure> {
        let higher = self.sources.clone();
        for said in said {
            // It may be another command's.
            let Some(arg) = settings(&self.command).find(|arg| long(arg) == said.name) else {
                continue;
            };
            let gives_way = |other: &Arg| {
                let conflict = conflict(&self.command, arg, other);
                higher.contains_key(&long(other)) && (conflict || long(other) == said.name)
            };
            if settings(&self.command).any(gives_way) {
                continue;
            }
            let wrong = |fix: &str| Failure::configuration(format!("{}: {fix}", said.place));
            let flags = flags(arg, &said).map_err(|fix| wrong(&fix))?;
            let mut args = self.args.clone();
            args.splice(self.at..self.at, flags);
            parse(&args).map_err(|error| wrong(&sentence(&error)))?;
            self.args = args;
            if said.name == CONFIG {
                self.config = said.values.into_iter().next();
            }
            self.sources.insert(said.name, source);
        }
        Ok(())
    }
}

/// The matches of these arguments, whether or not something that is required is still missing.
fn parse(args: &[OsString]) -> Result<ArgMatches, clap::Error> {
    match Cli::command().try_get_matches_from(args) {
        Err(error) if error.kind() == ErrorKind::MissingRequiredArgument => {
            Cli::command().ignore_errors(true).try_get_matches_from(args)
        }
        parsed @ (Ok(_) | Err(_)) => parsed,
    }
}

fn innermost(mut matches: &ArgMatches) -> &ArgMatches {
    while let Some((_, deeper)) = matches.subcommand() {
        matches = deeper;
    }
    matches
}

/// The flags of a command that say something: all but those that ask for help.
fn settings(command: &Command) -> impl Iterator<Item = &Arg> {
    let says = |arg: &&Arg| arg.get_action().takes_values() || is_switch(arg);
    let is_setting = |arg: &&Arg| !SAID_EACH_TIME.contains(&arg.get_long().unwrap_or_default());
    command.get_arguments().filter(says).filter(|arg| arg.get_long().is_some()).filter(is_setting)
}

/// The names of all settings of a command and of those below it.
fn named(command: &Command) -> Vec<String> {
    let below = command.get_subcommands().flat_map(named);
    let mut names: Vec<_> = settings(command).map(long).chain(below).collect();
    names.sort_unstable();
    names.dedup();
    names
}

fn long(arg: &Arg) -> String {
    arg.get_long().unwrap_or_default().to_owned()
}

fn is_switch(arg: &Arg) -> bool {
    matches!(arg.get_action(), ArgAction::SetTrue)
}

fn is_list(arg: &Arg) -> bool {
    matches!(arg.get_action(), ArgAction::Append)
}

/// Whether two flags cannot be used together. Either may say so.
fn conflict(command: &Command, one: &Arg, other: &Arg) -> bool {
    let says = |one: &Arg, other: &Arg| command.get_arg_conflicts_with(one).contains(&other);
    says(one, other) || says(other, one)
}

/// What is said of a flag as arguments, or what to give instead.
fn flags(arg: &Arg, said: &Said) -> Result<Vec<OsString>, String> {
    if is_switch(arg) {
        return match said.values.as_slice() {
            [value] if value == "true" => Ok(vec![format!("--{}", said.name).into()]),
            [value] if value == "false" => Ok(Vec::new()),
            [..] => Err("give true or false".to_owned()),
        };
    }
    if said.values.len() > 1 && !is_list(arg) {
        return Err(format!("this command takes one; say which with --{}", said.name));
    }
    let flag = |value: &OsString| {
        let mut flag = OsString::from(format!("--{}=", said.name));
        flag.push(value);
        flag
    };
    Ok(said.values.iter().map(flag).collect())
}

/// What clap says is wrong, without the usage behind it.
fn sentence(error: &clap::Error) -> String {
    let text = error.render().to_string();
    let lines = text.lines().take_while(|line| !line.is_empty()).map(str::trim);
    let sentence = lines.collect::<Vec<_>>().join(" ");
    sentence.strip_prefix("error: ").map_or_else(|| sentence.clone(), str::to_owned)
}

#[cfg(test)]
mod tests;
