//! The edge of Weir: connections, routes, admission, the batcher, and what operators ask.
//!
//! It owns the way of a ballot from the socket into the journal, and every answer of the public
//! interface. Invariant: a ballot is acknowledged only when the journal has made it durable, and
//! everything that waits is bounded. Never here: counting, a raw identity past the token, or a
//! second copy of state that the journal has.

mod abuse;
mod appends;
mod asked;
mod ballots;
mod batcher;
mod caller;
mod campaign_document;
mod challenge;
mod driver;
mod edge;
mod etag;
mod frontiers;
mod hosted;
mod identity;
mod lane;
mod language;
pub mod metrics;
mod newest_rules;
mod noted;
mod ops;
mod outcomes;
mod pages;
pub mod poster;
mod posters;
mod problem;
mod receipts;
mod refusal;
mod remembered;
mod routes;
mod scans;
pub mod server;
mod site;
mod slow_bodies;
mod stream;
mod submission;
mod tally;
pub mod trace;
mod turns;
pub mod wechat;

pub use batcher::{BatchLimits, Batcher, Cast, Permit};
pub use challenge::{BadCaptcha, Captcha};
pub use edge::{Edge, EdgeCampaign, EdgeOptions, Voting};
pub use identity::{Events, Links, SignIn, WeChatSignIn};
pub use newest_rules::follow_rules;
pub use ops::{Ops, Readiness};
pub use problem::{Facts, Problem, Retry};
pub use remembered::Acknowledged;
pub use site::Site;
