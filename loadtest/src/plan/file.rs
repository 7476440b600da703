//! A plan of one's own, as a TOML file: its fields, their limits, their defaults.
//!
//! Every mistake is told at once, with line, field and what to give instead. Never here: a text
//! that makes it panic, or a field that is passed over in silence.

use std::fmt;
use std::ops::{Range, RangeInclusive};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{Around, Plan, Retry, Shares};
use crate::population::VOTERS_MAX;
use crate::schedule::{Arrivals, Curve, Phase};

const FIELDS: [&str; 10] = [
    "name",
    "arrivals",
    "around",
    "lead_seconds",
    "voters",
    "random_voters",
    "zipf",
    "phases",
    "shares",
    "retry",
];
const PHASE_FIELDS: [&str; 4] = ["seconds", "rate", "to", "curve"];
const SHARE_FIELDS: [&str; 6] =
    ["retries", "repeats", "other_choices", "invalid", "forged", "new_connections"];
const RETRY_FIELDS: [&str; 3] = ["attempts", "first_ms", "max_ms"];

const PHASES: &str = "give one table [[phases]] or more, each with seconds and rate";
/// More is no load of one machine.
const RATE_MAX: f64 = 1_000_000.0;
const SECONDS_MAX: f64 = 1_000_000.0;

/// One mistake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Line of the file, from 1.
    pub line: usize,
    /// Dotted path of the field, phases counted from 1: `phases[2].rate`.
    pub field: String,
    /// What is wrong and what to give instead.
    pub fix: String,
}

/// Everything that is wrong with a plan, in the order of its lines; never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanError(pub Vec<Problem>);

impl fmt::Display for PlanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, Problem { line, field, fix }) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { "\n" };
            write!(f, "{separator}line {line}: {field}: {fix}")?;
        }
        Ok(())
    }
}

impl std::error::Error for PlanError {}

pub(super) fn plan(text: &str, name: &str) -> Result<Plan, PlanError> {
    let mut reader = Reader { text, problems: Vec::new() };
    let plan = match DeTable::parse(text) {
        Ok(table) => reader.plan(table.get_ref(), name),
        Err(error) => {
            let fix = format!("{}; mend the syntax", error.message());
            reader.wrong(error.span().unwrap_or_default(), "TOML", fix);
            Plan::new(name, Vec::new())
        }
    };
    let mut problems = reader.problems;
    problems.sort_by_key(|problem| problem.line);
    if problems.is_empty() { Ok(plan) } else { Err(PlanError(problems)) }
}

/// A table of the file, where it stands, and what its fields' names begin with.
#[derive(Clone, Copy)]
struct Here<'a> {
    table: &'a DeTable<'a>,
    start: usize,
    path: &'a str,
}

impl<'a> Here<'a> {
    fn value(&self, name: &str) -> Option<&'a Spanned<DeValue<'a>>> {
        self.table.iter().find(|(key, _)| key.get_ref() == name).map(|(_, value)| value)
    }
}

struct Reader<'t> {
    text: &'t str,
    problems: Vec<Problem>,
}

impl Reader<'_> {
    fn plan(&mut self, table: &DeTable<'_>, name: &str) -> Plan {
        let here = Here { table, start: 0, path: "" };
        self.only(here, &FIELDS);
        let usual = Plan::new(name, self.phases(here));
        let around = self.one_of(
            here,
            "around",
            &[("opens", Around::Opens), ("midnight", Around::Midnight), ("close", Around::Closes)],
        );
        let lead = self.number(here, "lead_seconds", 0.0..=SECONDS_MAX);
        if lead.is_some() && around.is_none() {
            self.at(here, "lead_seconds", "has no meaning without around; give around".to_owned());
        }
        let arrivals = [("poisson", Arrivals::Poisson), ("even", Arrivals::Even)];
        Plan {
            name: self.text(here, "name").unwrap_or(usual.name),
            phases: usual.phases,
            arrivals: self.one_of(here, "arrivals", &arrivals).unwrap_or(usual.arrivals),
            around: around.map(|around| (around, lead.unwrap_or(0.0))),
            voters: self.whole(here, "voters", 1..=VOTERS_MAX),
            random_voters: self.flag(here, "random_voters").unwrap_or(usual.random_voters),
            zipf: self.number(here, "zipf", 0.0..=10.0).unwrap_or(usual.zipf),
            shares: self.shares(here),
            retry: self.retry(here, usual.retry),
        }
    }

    fn phases(&mut self, here: Here<'_>) -> Vec<Phase> {
        let list = here.value("phases").and_then(|value| value.get_ref().as_array());
        let Some(list) = list.filter(|list| !list.is_empty()) else {
            self.at(here, "phases", format!("is missing; {PHASES}"));
            return Vec::new();
        };
        let mut phases = Vec::new();
        for (number, value) in (1..).zip(list.iter()) {
            let path = format!("phases[{number}].");
            let Some(table) = value.get_ref().as_table() else {
                self.wrong(value.span(), &path, PHASES.to_owned());
                continue;
            };
            phases.extend(self.phase(Here { table, start: value.span().start, path: &path }));
        }
        phases
    }

    fn phase(&mut self, here: Here<'_>) -> Option<Phase> {
        self.only(here, &PHASE_FIELDS);
        let seconds = self.required(here, "seconds", 0.001..=SECONDS_MAX);
        let from = self.required(here, "rate", 0.0..=RATE_MAX);
        let to = self.number(here, "to", 0.0..=RATE_MAX).or(from);
        let curves = [("linear", Curve::Linear), ("exponential", Curve::Exponential)];
        let curve = self.one_of(here, "curve", &curves).unwrap_or(Curve::Linear);
        let phase = Phase { seconds: seconds?, from: from?, to: to?, curve };
        if curve == Curve::Exponential && (phase.from <= 0.0 || phase.to <= 0.0) {
            self.at(here, "curve", "needs rate and to above 0; give them, or linear".to_owned());
        }
        Some(phase)
    }

    fn shares(&mut self, here: Here<'_>) -> Shares {
        let Some(here) = self.table(here, "shares", "shares.") else { return Shares::default() };
        self.only(here, &SHARE_FIELDS);
        let mut share = |name| self.number(here, name, 0.0..=1.0).unwrap_or(0.0);
        let shares = Shares {
            retries: share("retries"),
            repeats: share("repeats"),
            other_choices: share("other_choices"),
            invalid: share("invalid"),
            forged: share("forged"),
            new_connections: share("new_connections"),
        };
        if shares.arrivals() > 1.0 {
            let fix = "come to more than 1 without new_connections; give smaller ones".to_owned();
            self.wrong(here.start..here.start, "shares", fix);
        }
        shares
    }

    fn retry(&mut self, here: Here<'_>, usual: Retry) -> Retry {
        let Some(here) = self.table(here, "retry", "retry.") else { return usual };
        self.only(here, &RETRY_FIELDS);
        Retry {
            attempts: self.whole(here, "attempts", 1..=1_000).unwrap_or(usual.attempts),
            first_ms: self.whole(here, "first_ms", 1..=600_000).unwrap_or(usual.first_ms),
            max_ms: self.whole(here, "max_ms", 1..=600_000).unwrap_or(usual.max_ms),
        }
    }

    fn only(&mut self, here: Here<'_>, known: &[&str]) {
        for key in here.table.keys().filter(|key| !known.contains(&key.get_ref().as_ref())) {
            let field = format!("{}{}", here.path, key.get_ref().escape_debug());
            let fix = format!("is not a field; remove it, or give one of {}", known.join(", "));
            self.wrong(key.span(), &field, fix);
        }
    }

    fn table<'a>(&mut self, here: Here<'a>, name: &str, path: &'a str) -> Option<Here<'a>> {
        let value = here.value(name)?;
        let Some(table) = value.get_ref().as_table() else {
            self.at(here, name, format!("give a table [{name}]"));
            return None;
        };
        Some(Here { table, start: value.span().start, path })
    }

    fn required(&mut self, here: Here<'_>, name: &str, range: RangeInclusive<f64>) -> Option<f64> {
        if here.value(name).is_none() {
            let (start, end) = (range.start(), range.end());
            self.at(here, name, format!("is missing; give a number from {start} to {end}"));
        }
        self.number(here, name, range)
    }

    fn number(&mut self, here: Here<'_>, name: &str, range: RangeInclusive<f64>) -> Option<f64> {
        let value = here.value(name)?.get_ref();
        let whole = value.as_integer().map(|whole| whole.as_str());
        let digits = whole.or_else(|| value.as_float().map(|float| float.as_str()));
        let number = digits.and_then(|digits| digits.replace('_', "").parse::<f64>().ok());
        let number = number.filter(|number| range.contains(number));
        if number.is_none() {
            let (start, end) = (range.start(), range.end());
            self.at(here, name, format!("give a number from {start} to {end}"));
        }
        number
    }

    fn whole<N>(&mut self, here: Here<'_>, name: &str, range: RangeInclusive<N>) -> Option<N>
    where
        N: TryFrom<i64> + PartialOrd + fmt::Display,
    {
        let whole = here.value(name)?.get_ref().as_integer();
        let number =
            whole.and_then(|whole| i64::from_str_radix(whole.as_str(), whole.radix()).ok());
        let number = number.and_then(|number| N::try_from(number).ok());
        let number = number.filter(|number| range.contains(number));
        if number.is_none() {
            let (start, end) = (range.start(), range.end());
            self.at(here, name, format!("give a whole number from {start} to {end}"));
        }
        number
    }

    fn text(&mut self, here: Here<'_>, name: &str) -> Option<String> {
        let text = here.value(name)?.get_ref().as_str();
        if text.is_none() {
            self.at(here, name, "give a text in quotes".to_owned());
        }
        text.map(str::to_owned)
    }

    fn flag(&mut self, here: Here<'_>, name: &str) -> Option<bool> {
        let flag = here.value(name)?.get_ref().as_bool();
        if flag.is_none() {
            self.at(here, name, "give true or false".to_owned());
        }
        flag
    }

    fn one_of<T: Copy>(&mut self, here: Here<'_>, name: &str, known: &[(&str, T)]) -> Option<T> {
        let text = here.value(name)?.get_ref().as_str();
        let found = text.and_then(|text| known.iter().find(|(name, _)| *name == text));
        if found.is_none() {
            let names: Vec<_> = known.iter().map(|(name, _)| format!("\"{name}\"")).collect();
            self.at(here, name, format!("give {}", names.join(" or ")));
        }
        found.map(|(_, value)| *value)
    }

    /// Notes a problem with a field, in the line of its value or else of its table.
    fn at(&mut self, here: Here<'_>, name: &str, fix: String) {
        let span = here.value(name).map_or(here.start..here.start, Spanned::span);
        self.wrong(span, &format!("{}{name}", here.path), fix);
    }

    fn wrong(&mut self, span: Range<usize>, field: &str, fix: String) {
        let before = self.text.bytes().take(span.start);
        let line = 1 + before.filter(|byte| *byte == b'\n').count();
        self.problems.push(Problem { line, field: field.to_owned(), fix });
    }
}
