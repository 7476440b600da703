//! How the command ends: its exit codes, which are part of the interface.
//!
//! Codes follow sysexits.h where it has one. Never here: a failure without a next step.

use std::process::ExitCode;

use loadtest::target::Refused;

/// An exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Code {
    /// Everything is as it must be.
    Done,
    /// The proof failed or a threshold is broken.
    Broken,
    /// EX_USAGE: arguments, plan, campaign file or keys are wrong.
    Arguments,
    /// EX_UNAVAILABLE: there is no server.
    NoServer,
    /// EX_SOFTWARE: the operating system failed us.
    Internal,
}

impl From<Code> for ExitCode {
    fn from(code: Code) -> Self {
        Self::from(match code {
            Code::Done => 0,
            Code::Broken => 1,
            Code::Arguments => 64,
            Code::NoServer => 69,
            Code::Internal => 70,
        })
    }
}

/// Why the command did not come to its end.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) code: Code,
    pub(crate) sentence: String,
}

impl Failure {
    pub(crate) fn arguments(sentence: impl Into<String>) -> Self {
        Self { code: Code::Arguments, sentence: sentence.into() }
    }

    pub(crate) fn no_server(sentence: impl Into<String>) -> Self {
        Self { code: Code::NoServer, sentence: sentence.into() }
    }

    pub(crate) fn internal(sentence: impl Into<String>) -> Self {
        Self { code: Code::Internal, sentence: sentence.into() }
    }
}

impl From<Refused> for Failure {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Arguments(sentence) => Self::arguments(sentence),
            Refused::NoServer(sentence) => Self::no_server(sentence),
        }
    }
}
