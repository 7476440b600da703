//! What is wrong with a campaign, in words its organiser can act on.
//!
//! Every problem says where it is and what to give instead, and all of them are told at once: an
//! organiser must never have to find the second mistake by repairing the first.

use std::cell::RefCell;
use std::fmt;
use std::ops::Range;

/// One thing that is wrong with a campaign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Line of the file, from 1; `None` for a campaign that was moved to another day.
    pub line: Option<usize>,
    /// Dotted path of the field, choices counted from 1 as in the file: `choices[3].number`.
    pub field: String,
    /// What is wrong and what to give instead.
    pub fix: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(line) = self.line {
            write!(f, "line {line}: ")?;
        }
        write!(f, "{}: {}", self.field, self.fix)
    }
}

/// Everything that is wrong with a campaign; its text has one line for each problem.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.problems.iter().map(Problem::to_string).collect::<Vec<_>>().join("\n"))]
pub struct CampaignError {
    /// The problems, in the order of their lines; never empty.
    pub problems: Vec<Problem>,
}

impl From<Problem> for CampaignError {
    fn from(problem: Problem) -> Self {
        Self { problems: vec![problem] }
    }
}

/// The problems found so far in a text.
#[derive(Debug)]
pub(super) struct Problems<'t> {
    text: &'t str,
    found: RefCell<Vec<Problem>>,
}

impl<'t> Problems<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self { text, found: RefCell::default() }
    }

    /// Notes a problem with what stands at `span`.
    pub(super) fn add(&self, span: Range<usize>, field: String, fix: String) {
        let before = self.text.bytes().take(span.start);
        let line = 1 + before.filter(|byte| *byte == b'\n').count();
        self.found.borrow_mut().push(Problem { line: Some(line), field, fix });
    }

    /// `value`, if nothing was wrong.
    pub(super) fn none_or<T>(self, value: Option<T>) -> Result<T, CampaignError> {
        let mut problems = self.found.into_inner();
        problems.sort_by_key(|problem| problem.line);
        match value {
            Some(value) if problems.is_empty() => Ok(value),
            Some(_) | None => Err(CampaignError { problems }),
        }
    }
}
