//! What a process counts of the public listener's requests.
//!
//! Invariant: every campaign, route and outcome has its series from the start. Never here: a
//! lookup by text while a request waits.

use std::time::Duration;

use hyper::StatusCode;
use prometheus::{
    Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, Opts, Registry,
};

use super::{
    CAMPAIGN, GONE, GOOD, NO_CAMPAIGN, OUTCOME, REQUEST_BUCKETS, REQUEST_SECONDS, REQUESTS, RESULT,
    RESULTS, ROUTE, ROUTES, ROUTES_OF_CAMPAIGN, STREAMS, SignIns, WeChatEvents,
};
use crate::problem::Problem;
use crate::routes::Route;

/// How a request that was not refused went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Good {
    Ok,
    Accepted,
    NotModified,
}

/// How a request without an answer went: its caller had gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gone {
    /// After a wait that we are to blame for.
    GivenUp,
    /// Before that.
    Abandoned,
}

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Good(Good),
    Refused(Problem),
    Gone(Gone),
}

/// A value for each route and outcome: the good ones, the problems, then those without an answer.
type Table<T> = Vec<Vec<T>>;

/// What is counted of requests.
#[derive(Debug)]
pub(crate) struct Requests {
    /// For no campaign, then for each.
    counts: Vec<Table<IntCounter>>,
    seconds: Table<Histogram>,
    pub(crate) streams: IntGauge,
    pub(crate) sign_ins: SignIns,
    pub(crate) wechat_events: WeChatEvents,
}

impl Requests {
    /// For these campaigns, registered.
    pub(crate) fn new<'a>(
        registry: &Registry,
        campaigns: impl Iterator<Item = &'a str> + Clone,
    ) -> prometheus::Result<Self> {
        let sign_ins = SignIns::new(registry, campaigns.clone())?;
        let opts = Opts::new(REQUESTS, "Requests by campaign, route and outcome.");
        let counts = IntCounterVec::new(opts, &[CAMPAIGN, ROUTE, OUTCOME])?;
        registry.register(Box::new(counts.clone()))?;
        let help = "From a request's header to its answer.";
        let opts = HistogramOpts::new(REQUEST_SECONDS, help).buckets(REQUEST_BUCKETS.to_vec());
        let seconds = HistogramVec::new(opts, &[ROUTE, RESULT])?;
        registry.register(Box::new(seconds.clone()))?;
        let streams = IntGauge::new(STREAMS, "Tally streams open.")?;
        registry.register(Box::new(streams.clone()))?;
        let of_campaign = |campaign: &str| {
            let all = campaign == NO_CAMPAIGN;
            let routes = if all { ROUTES.len() } else { ROUTES_OF_CAMPAIGN };
            table(routes, |route, (outcome, _)| {
                counts.with_label_values(&[campaign, route, outcome])
            })
        };
        Ok(Self {
            counts: std::iter::once(NO_CAMPAIGN).chain(campaigns).map(of_campaign).collect(),
            seconds: table(ROUTES.len(), |route, (_, result)| {
                seconds.with_label_values(&[route, result])
            }),
            streams,
            sign_ins,
            wechat_events: WeChatEvents::new(registry)?,
        })
    }

    /// Counts a request, which took so long. `campaign` is the place of the one that was asked for.
    pub(crate) fn count(
        &self,
        campaign: Option<usize>,
        route: Option<Route<'_>>,
        outcome: Outcome,
        took: Duration,
    ) {
        let campaign = campaign.map_or(0, |place| place + 1);
        let route = place(route);
        let outcome = match outcome {
            Outcome::Good(good) => good as usize,
            Outcome::Refused(problem) => GOOD.len() + problem as usize,
            Outcome::Gone(gone) => GOOD.len() + Problem::ALL.len() + gone as usize,
        };
        let count = self.counts.get(campaign).and_then(|of| of.get(route)?.get(outcome));
        if let Some(count) = count {
            count.inc();
        }
        if let Some(seconds) = self.seconds.get(route).and_then(|route| route.get(outcome)) {
            seconds.observe(took.as_secs_f64());
        }
    }
}

/// Where a route is among [`ROUTES`].
const fn place(route: Option<Route<'_>>) -> usize {
    match route {
        Some(Route::Ballots(_)) => 0,
        Some(Route::Campaign(_)) => 1,
        Some(Route::Tally(_)) => 2,
        Some(Route::TallyStream(_)) => 3,
        Some(Route::Receipt(..)) => 4,
        Some(Route::Frontiers(_)) => 5,
        Some(Route::Me(_)) => 6,
        Some(Route::Session(_)) => 7,
        Some(Route::Page(_)) => 8,
        Some(Route::Board(_)) => 9,
        Some(Route::Poster(_)) => 10,
        Some(Route::Home) => 11,
        // Both are files.
        Some(Route::Asset(_) | Route::Verify(_)) => 12,
        Some(Route::Login) => 13,
        Some(Route::Callback) => 14,
        Some(Route::Events) => 15,
        Some(Route::OpenApi) => 16,
        None => 17,
    }
}

/// A table of the first few routes. Each value is made of the route, and of the outcome with its
/// result.
fn table<T>(routes: usize, value: impl Fn(&str, (&'static str, &'static str)) -> T) -> Table<T> {
    let good = GOOD.into_iter().map(|good| (good, RESULTS[0]));
    let problems = Problem::ALL.iter().map(|problem| {
        let facts = problem.facts();
        (facts.code, result(facts.status))
    });
    // Who gave up was failed; who went sooner was not.
    let gone = GONE.into_iter().zip([RESULTS[2], RESULTS[1]]);
    let outcomes: Vec<_> = good.chain(problems).chain(gone).collect();
    let of_route = |route: &&str| outcomes.iter().map(|outcome| value(route, *outcome)).collect();
    ROUTES.iter().take(routes).map(of_route).collect()
}

fn result(status: StatusCode) -> &'static str {
    RESULTS[if status.is_server_error() { 2 } else { usize::from(status.is_client_error()) }]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_route_has_the_place_of_its_own_name_and_those_of_campaigns_come_first() {
        for (path, name) in [
            ("/v1/campaigns/c/ballots", "ballots"),
            ("/v1/campaigns/c/session", "session"),
            ("/campaigns/c/poster.svg", "poster"),
            ("/", "home"),
            ("/wechat/events", "events"),
            ("/openapi.json", "openapi"),
            ("/nothing", "unknown"),
        ] {
            let route = Route::find(path);
            assert_eq!(ROUTES[place(route)], name);
            let of_campaign = route.and_then(Route::campaign).is_some();
            assert_eq!(place(route) < ROUTES_OF_CAMPAIGN, of_campaign, "{path}");
        }
    }

    #[test]
    fn every_problem_has_the_place_of_its_own_code() {
        let outcomes = table(1, |_, (outcome, result)| (outcome, result)).remove(0);
        for problem in Problem::ALL {
            let facts = problem.facts();
            let (outcome, found) = outcomes[GOOD.len() + problem as usize];
            assert_eq!((outcome, found), (facts.code, result(facts.status)));
            assert_eq!(found == "failed", facts.status.as_u16() >= 500);
        }
        let after = GOOD.len() + Problem::ALL.len();
        assert_eq!(outcomes[after + Gone::GivenUp as usize], ("given_up", "failed"));
        assert_eq!(outcomes[after + Gone::Abandoned as usize], ("abandoned", "refused"));
        assert_eq!(outcomes.len(), after + 2);
    }
}
