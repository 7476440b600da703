//! How a command ends: the exit codes, which are part of the interface, and the failure that
//! carries one with a sentence for whoever has to act.
//!
//! Codes follow sysexits.h where it has one. Never here: a failure without a next step.

use std::fmt;
use std::process::ExitCode;

use aggregator::FoundingError;

/// What `--help` says of the codes; a test compares it with [`Code`].
pub(crate) const EXIT_CODES: &str = "\
Exit codes:
   0  done
   1  `recount --prefix`: the recount is not equal to the file; `health`: the answer is no
  64  bad configuration: flags, campaign file, keys; the message names the key and the fix
  69  the journal is unavailable, damaged, or held by another process
  70  an error inside weir
  75  the process was ended before everything in flight was flushed";

/// An exit code other than 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Code {
    /// A recount came out differently.
    Differs,
    /// A process is not healthy; containers' health checks know 0 and 1.
    Unhealthy,
    /// EX_USAGE: flags, campaign file or keys are wrong.
    Configuration,
    /// EX_UNAVAILABLE: the journal cannot be had. One that is damaged too: nothing that was given
    /// is wrong, and once its copy is put back the same command does its work.
    Journal,
    /// EX_SOFTWARE: a defect, or the operating system failed us.
    Internal,
    /// EX_TEMPFAIL: forced to end before all was flushed; starting again is safe.
    Unflushed,
}

impl Code {
    /// The number that the process ends with.
    pub(crate) const fn number(self) -> u8 {
        match self {
            Self::Differs | Self::Unhealthy => 1,
            Self::Configuration => 64,
            Self::Journal => 69,
            Self::Internal => 70,
            Self::Unflushed => 75,
        }
    }
}

impl From<Code> for ExitCode {
    fn from(code: Code) -> Self {
        Self::from(code.number())
    }
}

/// Why a command did not succeed.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) code: Code,
    pub(crate) sentence: String,
}

impl Failure {
    pub(crate) fn configuration(sentence: impl Into<String>) -> Self {
        Self { code: Code::Configuration, sentence: sentence.into() }
    }

    pub(crate) fn journal(sentence: impl Into<String>) -> Self {
        Self { code: Code::Journal, sentence: sentence.into() }
    }

    pub(crate) fn internal(sentence: impl Into<String>) -> Self {
        Self { code: Code::Internal, sentence: sentence.into() }
    }

    pub(crate) fn differs(sentence: impl Into<String>) -> Self {
        Self { code: Code::Differs, sentence: sentence.into() }
    }

    pub(crate) fn unhealthy(sentence: impl Into<String>) -> Self {
        Self { code: Code::Unhealthy, sentence: sentence.into() }
    }

    /// The same, with the name of what it is about in front.
    pub(crate) fn about(self, what: &str) -> Self {
        Self { sentence: format!("{what}: {self}"), code: self.code }
    }

    pub(crate) fn unflushed(sentence: impl Into<String>) -> Self {
        Self { code: Code::Unflushed, sentence: sentence.into() }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence)
    }
}

impl From<journal::Error> for Failure {
    fn from(error: journal::Error) -> Self {
        Self::journal(error.to_string())
    }
}

impl From<FoundingError> for Failure {
    fn from(error: FoundingError) -> Self {
        match &error {
            FoundingError::Journal(_) | FoundingError::Append(_) | FoundingError::NotFounded(_) => {
                Self::journal(error.to_string())
            }
            FoundingError::Differs { .. }
            | FoundingError::Final(_)
            | FoundingError::Closing(_)
            | FoundingError::Partly(_) => Self::configuration(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_help_lists_every_exit_code() {
        let codes = [
            (Code::Differs, "\n   1  "),
            (Code::Configuration, "\n  64  "),
            (Code::Journal, "\n  69  "),
            (Code::Internal, "\n  70  "),
            (Code::Unflushed, "\n  75  "),
        ];
        for (code, listed) in codes {
            assert!(EXIT_CODES.contains(listed), "{code:?}");
            assert_ne!(ExitCode::from(code), ExitCode::SUCCESS);
        }
        assert_eq!(EXIT_CODES.lines().count(), codes.len() + 2);
    }
}
