//! What can be wrong with a request, and how each is told: status, stable code, metric label,
//! whether a retry is safe, and a sentence that a voter can read.
//!
//! Invariant: every refusal of the interface is one of these, and their meaning never changes once
//! a page knows them. Never here: what was wrong in one case; see `refusal`.

mod facts;

use hyper::StatusCode;
use serde::Serialize;

/// Every kind of refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is its code, and its sentences are below")]
pub enum Problem {
    MalformedBallot,
    RequestBroken,
    Unauthenticated,
    NotAFollower,
    NotOpen,
    Closed,
    UnknownRoute,
    UnknownCampaign,
    UnknownReceipt,
    MethodNotAllowed,
    RequestTimeout,
    AlreadyVoted,
    TooLarge,
    UnsupportedMediaType,
    InvalidChoices,
    RateLimited,
    Overloaded,
    JournalUnavailable,
    ResultsNotReady,
    MalformedRequest,
    WrongIdentityMode,
    CrossSite,
    LinkUsed,
    ResultsHidden,
    ChallengeRequired,
    AlreadySignedIn,
}

/// Whether the same request may be sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Retry {
    /// At once, or after `Retry-After`: it can never count twice.
    Safe,
    /// It would be refused again for now.
    Later,
    /// It would be refused again for good.
    Never,
}

/// What is fixed about a kind of refusal.
#[derive(Debug, Clone, Copy)]
pub struct Facts {
    /// The HTTP status.
    pub status: StatusCode,
    /// The stable code; also the metric's label.
    pub code: &'static str,
    /// Whether a retry is safe.
    pub retry: Retry,
    /// After how many seconds, where that is known.
    pub retry_after_s: Option<u32>,
    /// The usual sentence in English and in Chinese.
    pub sentences: [&'static str; 2],
}

impl Problem {
    /// All of them.
    pub const ALL: [Self; 26] = [
        Self::MalformedBallot,
        Self::RequestBroken,
        Self::Unauthenticated,
        Self::NotAFollower,
        Self::NotOpen,
        Self::Closed,
        Self::UnknownRoute,
        Self::UnknownCampaign,
        Self::UnknownReceipt,
        Self::MethodNotAllowed,
        Self::RequestTimeout,
        Self::AlreadyVoted,
        Self::TooLarge,
        Self::UnsupportedMediaType,
        Self::InvalidChoices,
        Self::RateLimited,
        Self::Overloaded,
        Self::JournalUnavailable,
        Self::ResultsNotReady,
        Self::MalformedRequest,
        Self::WrongIdentityMode,
        Self::CrossSite,
        Self::LinkUsed,
        Self::ResultsHidden,
        Self::ChallengeRequired,
        Self::AlreadySignedIn,
    ];
}
