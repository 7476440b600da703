//! The metrics of the edge: every name, label value and bucket, on this page; `docs/metrics.md`
//! says what each means.
//!
//! Children are resolved once, at the start, so that every series is there from the start: a
//! request costs an addition and an observation, a ballot nothing more, a record three
//! observations. Never here: a label whose values come from a request.

mod batches;
mod challenges;
mod connections;
mod pulled;
mod requests;
mod sign_ins;
mod wechat_events;

pub use connections::{Watched, watch_connections};
pub use pulled::{Pulled, Reading, float, whole};

pub(crate) use batches::watch_batchers;
pub(crate) use challenges::{ChallengeCounts, ChallengeOutcome};
pub(crate) use requests::{Gone, Good, Outcome, Requests};
pub(crate) use sign_ins::{SignInOutcome, SignIns};
pub(crate) use wechat_events::{EventKind, EventOutcome, WeChatEvents};

/// Requests by campaign, route and outcome.
pub const REQUESTS: &str = "weir_requests_total";
/// Seconds from a request's header to its answer, by route and result.
pub const REQUEST_SECONDS: &str = "weir_request_duration_seconds";
/// Ballots between admission and a known fate, by campaign.
pub const BALLOTS_IN_FLIGHT: &str = "weir_ballots_in_flight";
/// The most there may be, by campaign.
pub const BALLOTS_IN_FLIGHT_MAX: &str = "weir_ballots_in_flight_max";
/// Ballots per record appended, by campaign.
pub const BATCH_BALLOTS: &str = "weir_batch_ballots";
/// Seconds from a batch's first ballot to its being handed to the journal, by campaign.
pub const BATCH_WAIT_SECONDS: &str = "weir_batch_wait_seconds";
/// Seconds from being handed to the journal to the journal's word, by campaign.
pub const APPEND_SECONDS: &str = "weir_append_duration_seconds";
/// Appends that were not acknowledged, by campaign and kind.
pub const APPEND_ERRORS: &str = "weir_append_errors_total";
/// When the journal last made a record of ballots durable, by campaign.
pub const LAST_DURABLE_APPEND: &str = "weir_last_durable_append_timestamp_seconds";
/// Sign-ins by campaign and outcome.
pub const SIGN_INS: &str = "weir_sign_ins_total";
/// Events from WeChat by kind and outcome.
pub const WECHAT_EVENTS: &str = "weir_wechat_events_total";
/// Tally streams open.
pub const STREAMS: &str = "weir_tally_streams";
/// Requests refused because there were too many, by whom they were too many of.
pub const REFUSED_BY_RATE: &str = "weir_refused_by_rate_total";
/// Ballots cast about which something was noticed, by campaign and sign.
pub const BALLOTS_NOTED: &str = "weir_ballots_noted_total";
/// Ballots that had to meet the campaign's challenge, by campaign and outcome.
pub const CHALLENGES: &str = "weir_challenges_total";
/// Requests that waited because ballots went first.
pub const VIEWS_DELAYED: &str = "weir_views_delayed_total";
/// Connections open, by listener.
pub const CONNECTIONS: &str = "weir_connections";
/// The most there may be, by listener.
pub const CONNECTIONS_MAX: &str = "weir_connections_max";
/// Connections by listener and event.
pub const CONNECTION_EVENTS: &str = "weir_connection_events_total";

const CAMPAIGN: &str = "campaign";
const ROUTE: &str = "route";
const OUTCOME: &str = "outcome";
const RESULT: &str = "result";
const KIND: &str = "kind";
const LISTENER: &str = "listener";
const EVENT: &str = "event";

/// The campaign of a request that names none of this process's.
const NO_CAMPAIGN: &str = "";
/// Those that name a campaign, then those that do not.
const ROUTES: [&str; 18] = [
    "ballots",
    "campaign",
    "tally",
    "tally_stream",
    "receipt",
    "frontiers",
    "me",
    "session",
    "page",
    "board",
    "poster",
    "home",
    "asset",
    "login",
    "callback",
    "events",
    "openapi",
    "unknown",
];
/// How many of them name a campaign.
const ROUTES_OF_CAMPAIGN: usize = 11;
/// Outcomes that are no problems; a problem's label is its code.
const GOOD: [&str; 3] = ["ok", "accepted", "not_modified"];
/// Outcomes without an answer: the caller went, after a second of waiting or before.
const GONE: [&str; 2] = ["given_up", "abandoned"];
/// Below 400, below 500, and the rest.
const RESULTS: [&str; 3] = ["ok", "refused", "failed"];
/// What becomes of voters who want to sign in.
const SIGN_IN_OUTCOMES: [&str; 8] =
    ["ok", "not_follower", "refused", "snapshot", "expired", "busy", "failed", "again"];
/// What WeChat tells of.
const WECHAT_EVENT_KINDS: [&str; 5] = ["subscribe", "unsubscribe", "scan", "text", "other"];
/// What becomes of what WeChat tells.
const WECHAT_EVENT_OUTCOMES: [&str; 5] = ["handled", "repeated", "forged", "malformed", "dropped"];
/// What becomes of ballots that have to meet a challenge.
const CHALLENGE_OUTCOMES: [&str; 5] = ["asked", "solved", "wrong", "expired", "unreachable"];
/// As in [`crate::abuse::TooOften`].
pub(crate) const REFUSED_BY_RATES: [&str; 3] = ["voter", "prefix", "connection"];
const REFUSED: &str = "refused";
const IN_DOUBT: &str = "in_doubt";
const EVENTS: [&str; 5] =
    ["accepted", "refused_at_cap", "accept_error", "closed_idle", "closed_first_request"];

/// From a receipt that is remembered to a slow body (10 s). Objectives: 25 ms for an
/// acknowledgement at half of saturation, 5 s for the answer to a ballot whose fate is not known.
const REQUEST_BUCKETS: [f64; 14] =
    [0.001, 0.0025, 0.005, 0.01, 0.015, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
/// About the linger (5 ms), then as far as the deadline, when what was never sent is given up.
const WAIT_BUCKETS: [f64; 10] = [0.001, 0.0025, 0.005, 0.0075, 0.01, 0.025, 0.1, 0.5, 1.0, 5.0];
/// From a commit on a fast disk to a producer's deadline (5 s); what is left of 25 ms for the
/// journal when a batch has lingered is 20.
const APPEND_BUCKETS: [f64; 14] =
    [0.001, 0.0025, 0.005, 0.0075, 0.01, 0.015, 0.02, 0.025, 0.05, 0.1, 0.25, 1.0, 2.5, 5.0];
/// To the most ballots a record takes.
const BALLOTS_BUCKETS: [f64; 11] =
    [1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1_000.0, 2_000.0];
