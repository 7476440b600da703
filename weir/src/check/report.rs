//! What a check found: a list of findings, shown as a table or as JSON, and what they come to.
//!
//! Invariant: whatever is not in order comes with what to do about it. Never here: a secret.

use std::fmt;
use std::io::{self, Write as _};

use serde::Serialize;

use crate::exit::{Code, Failure};

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Level {
    /// As it should be, or good to know.
    Ok,
    /// The process would start and do its work, and somebody should look all the same.
    Warning,
    /// The process would not start, or not do its work.
    Error,
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Error => "error",
        })
    }
}

#[derive(Debug, Clone, Serialize)]
struct Finding {
    level: Level,
    /// What was looked at.
    what: String,
    found: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    fix: Option<String>,
    /// How the process would end because of it.
    #[serde(skip)]
    code: Option<Code>,
}

/// The findings, in the order in which they were made.
#[derive(Debug, Default)]
pub(super) struct Report(Vec<Finding>);

#[derive(Debug, Serialize)]
struct Json<'a> {
    findings: &'a [Finding],
    errors: usize,
    warnings: usize,
    exit_code: u8,
}

impl Report {
    pub(super) fn ok(&mut self, what: impl Into<String>, found: impl Into<String>) {
        let (what, found) = (what.into(), found.into());
        self.0.push(Finding { level: Level::Ok, what, found, fix: None, code: None });
    }

    pub(super) fn warning(
        &mut self,
        what: impl Into<String>,
        found: impl Into<String>,
        fix: impl Into<String>,
    ) {
        let (what, found, fix) = (what.into(), found.into(), Some(fix.into()));
        self.0.push(Finding { level: Level::Warning, what, found, fix, code: None });
    }

    /// What ends a process. Its sentence says what to do behind a semicolon, or else `fix` does.
    /// Several lines are several findings.
    pub(super) fn failed(&mut self, what: &str, failure: &Failure, fix: &str) {
        for line in failure.sentence.lines() {
            let (found, told) = split(line);
            let fix = Some(told.unwrap_or(fix).to_owned());
            let (what, found, code) = (what.to_owned(), found.to_owned(), Some(failure.code));
            self.0.push(Finding { level: Level::Error, what, found, fix, code });
        }
    }

    /// What came of a step: its value, or a finding.
    pub(super) fn take<T>(&mut self, what: &str, step: Result<T, Failure>, fix: &str) -> Option<T> {
        step.map_err(|failure| self.failed(what, &failure, fix)).ok()
    }

    fn count(&self, level: Level) -> usize {
        self.0.iter().filter(|finding| finding.level == level).count()
    }

    /// The code of the errors: that of a wrong configuration before any other, because no waiting
    /// mends it.
    fn code(&self) -> Option<Code> {
        let codes = || self.0.iter().filter_map(|finding| finding.code);
        codes().find(|code| *code == Code::Configuration).or_else(|| codes().next())
    }

    /// Writes all findings to standard output, and fails if an error is among them.
    pub(super) fn end(&self, json: bool) -> Result<(), Failure> {
        let text = if json { self.json()? } else { self.to_string() };
        // Nobody reads it: the exit code says what matters.
        drop(writeln!(io::stdout().lock(), "{text}"));
        let Some(code) = self.code() else { return Ok(()) };
        let sentence = match self.count(Level::Error) {
            1 => "the check found an error".to_owned(),
            errors => format!("the check found {errors} errors"),
        };
        Err(Failure { code, sentence })
    }

    fn json(&self) -> Result<String, Failure> {
        let (errors, warnings) = (self.count(Level::Error), self.count(Level::Warning));
        let exit_code = self.code().map_or(0, Code::number);
        serde_json::to_string_pretty(&Json { findings: &self.0, errors, warnings, exit_code })
            .map_err(|error| Failure::internal(error.to_string()))
    }
}

/// The table: a line for each finding, and one below with what to do where there is something.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let wide = self.0.iter().map(|finding| finding.what.chars().count()).max().unwrap_or(0);
        writeln!(f, "{:<7}  {:<wide$}  FOUND", "LEVEL", "WHAT")?;
        for Finding { level, what, found, fix, .. } in &self.0 {
            writeln!(f, "{level:<7}  {what:<wide$}  {found}")?;
            if let Some(fix) = fix {
                writeln!(f, "{:<7}  {:<wide$}  fix: {fix}", "", "")?;
            }
        }
        let [errors, warnings, ok] =
            [Level::Error, Level::Warning, Level::Ok].map(|l| self.count(l));
        write!(f, "errors: {errors}, warnings: {warnings}, ok: {ok}")
    }
}

/// What is wrong, and what to do about it: behind the first semicolon, unless more of what was
/// heard follows there.
fn split(line: &str) -> (&str, Option<&str>) {
    match line.split_once("; ") {
        Some((found, fix)) if !fix.starts_with("last heard") => (found, Some(fix)),
        Some(_) | None => (line, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_a_finding_a_line_with_what_to_do() {
        let mut report = Report::default();
        report.ok("a", "is");
        assert_eq!(report.code(), None);
        report.failed("b", &Failure::journal("it is away; last heard: nothing"), "wait");
        assert_eq!(report.code(), Some(Code::Journal));
        report.failed("long", &Failure::configuration("c: no; say yes\nd: no"), "think");
        assert_eq!(report.code(), Some(Code::Configuration), "no waiting mends that");
        let expected = "\
LEVEL    WHAT  FOUND
ok       a     is
error    b     it is away; last heard: nothing
               fix: wait
error    long  c: no
               fix: say yes
error    long  d: no
               fix: think
errors: 3, warnings: 0, ok: 1";
        assert_eq!(report.to_string(), expected);
        assert_eq!(report.end(false).unwrap_err().sentence, "the check found 3 errors");
    }
}
