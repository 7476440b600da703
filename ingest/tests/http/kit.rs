//! An edge with all it needs: simulated journal, aggregator, view, batcher, server, a clock that
//! stands still, and voters with tokens.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use aggregator::{Aggregator, Config, View, found, view};
use ballot::{Campaign, PseudonymKey, Rules, Token, TokenKeys};
use bytes::Bytes;
use http_body_util::Full;
use hyper::{Method, Request};
use ingest::server::{Counters, Limits, Shutdown, serve};
use ingest::{BatchLimits, Batcher, Edge, EdgeCampaign, EdgeOptions, SignIn, Site, Voting};
use journal::simulated::{Cluster, Options, Simulated};
use journal::{Clock, ClockCheck, Journal};
use prometheus::Registry;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::client::{Answer, send};

/// When a test gives up waiting.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
/// 2023-12-18 12:00 in Shanghai: the campaign has been open for two hours.
pub(crate) const NOON_MS: i64 = 1_702_872_000_000;
pub(crate) const HOUR_MS: i64 = 3_600_000;
pub(crate) const DAY_MS: i64 = 24 * HOUR_MS;
pub(crate) const TOKEN_KEY: (u8, [u8; 32]) = (1, [1; 32]);

/// A wall clock that the test moves.
#[derive(Debug)]
pub(crate) struct TestClock(AtomicI64);

impl TestClock {
    pub(crate) fn at(now_ms: i64) -> Arc<Self> {
        Arc::new(Self(AtomicI64::new(now_ms)))
    }

    pub(crate) fn set(&self, now_ms: i64) {
        self.0.store(now_ms, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now_ms(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }
}

/// What differs between tests.
pub(crate) struct Setup {
    pub(crate) limits: Limits,
    pub(crate) batches: BatchLimits,
    pub(crate) options: Options,
    pub(crate) aggregating: bool,
    pub(crate) voting: bool,
    pub(crate) campaign: String,
    pub(crate) clock: Arc<TestClock>,
    pub(crate) sign_in: SignIn,
    pub(crate) site: Site,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            batches: BatchLimits::default(),
            options: Options::default(),
            aggregating: true,
            voting: true,
            campaign: campaign_text(),
            clock: TestClock::at(NOON_MS),
            sign_in: SignIn::default(),
            site: Site::default(),
        }
    }
}

/// The campaign's file.
pub(crate) fn campaign_text() -> String {
    let mut text = "id = \"c\"\ntitle = \"A \\\"title\\\"\"\nzone = \"Asia/Shanghai\"\n\
                    opens_at = 2023-12-18T10:00:00\ncloses_at = 2023-12-19T17:00:00\n\
                    choices_per_ballot_max = 10\nfollowers_only = true\n"
        .to_owned();
    for number in 1..=20 {
        text += &format!("[[choices]]\nnumber = {number}\ntitle = \"T{number}\"\n");
    }
    text
}

/// A running edge.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    pub(crate) cluster: Cluster,
    pub(crate) clock: Arc<TestClock>,
    pub(crate) check: Arc<ClockCheck>,
    pub(crate) batcher: Arc<Batcher<Simulated>>,
    pub(crate) rules: watch::Sender<Arc<Rules>>,
    pub(crate) registry: Registry,
    pub(crate) edge: Edge<Simulated>,
    pub(crate) shutdown: Shutdown,
    pub(crate) counters: Arc<Counters>,
    tokens: TokenKeys,
}

impl Running {
    pub(crate) async fn start(setup: Setup) -> Self {
        let cluster = Cluster::new(1, 2, setup.options);
        let journal = cluster.process("edge");
        let campaign = Campaign::parse(&setup.campaign).unwrap();
        let key = PseudonymKey::new(&[7; 32]);
        let rules = Rules::new(&campaign, journal.identity(), 2, key.fingerprint());
        found(&journal, &rules, NOON_MS).await.unwrap();
        let (results, following) = view(journal.clone());
        // These tasks end with the test's runtime.
        drop(tokio::spawn(following));
        let clock = setup.clock;
        let check = Arc::new(ClockCheck::new(2_000));
        check.observe(0, 0, 0);
        if setup.aggregating {
            aggregate(&cluster, &results);
        }
        let (rules, newest) = watch::channel(Arc::new(rules));
        let batcher = Arc::new(Batcher::new(journal.clone(), newest, setup.batches));
        drop(tokio::spawn(Arc::clone(&batcher).run()));
        let tokens = TokenKeys::new("c", &[TOKEN_KEY]).unwrap();
        let (registry, shutdown) = (Registry::new(), Shutdown::new());
        let voting = Voting {
            batcher: Arc::clone(&batcher),
            tokens: tokens.clone(),
            sign_in: setup.sign_in,
        };
        let given = EdgeCampaign {
            campaign,
            journal,
            view: results,
            clock_check: Arc::clone(&check),
            voting: setup.voting.then_some(voting),
        };
        let options = EdgeOptions {
            limits: setup.limits,
            clock: clock.clone(),
            shutdown: shutdown.clone(),
            registry: registry.clone(),
            site: setup.site,
        };
        let edge = Edge::new(vec![given], options).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let counters = Arc::new(Counters::default());
        let handler = edge.clone();
        let (drain, count) = (shutdown.clone(), Arc::clone(&counters));
        drop(tokio::spawn(serve(listener, handler, setup.limits, drain, count)));
        Self {
            address,
            cluster,
            clock,
            check,
            batcher,
            rules,
            registry,
            edge,
            shutdown,
            counters,
            tokens,
        }
    }

    /// The token of a follower called so.
    pub(crate) fn token(&self, name: &str) -> String {
        self.mint(name, true, 4_000_000_000)
    }

    pub(crate) fn mint(&self, name: &str, follower: bool, expires_at_s: u64) -> String {
        let voter = PseudonymKey::new(&[7; 32]).voter(name.as_bytes());
        self.tokens.mint(&Token { voter, follower, fresh: false, expires_at_s })
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, &[], "").await
    }

    pub(crate) async fn fetch_as(&self, name: &str, path: &str) -> Answer {
        let bearer = format!("Bearer {}", self.token(name));
        self.send(Method::GET, path, &[("authorization", &bearer)], "").await
    }

    /// Casts this body as a ballot of the voter called so.
    pub(crate) async fn cast(&self, name: &str, body: impl Into<Bytes>) -> Answer {
        self.cast_with(&self.token(name), body).await
    }

    pub(crate) async fn cast_with(&self, token: &str, body: impl Into<Bytes>) -> Answer {
        let bearer = format!("Bearer {token}");
        let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
        self.send(Method::POST, "/v1/campaigns/c/ballots", &headers, body).await
    }

    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path).header("host", "test");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        send(self.address, request.body(Full::new(body.into())).unwrap()).await
    }

    /// Casts a ballot that must be acknowledged, and answers its receipt.
    pub(crate) async fn acknowledged(&self, name: &str, choices: &[u32]) -> String {
        let answer = self.cast(name, json!({ "choices": choices }).to_string()).await;
        assert_eq!(answer.status, 202, "{answer:?}");
        answer.json()["receipt"].as_str().unwrap().to_owned()
    }

    /// The tally, once it is as wanted.
    pub(crate) async fn tally_when(&self, wanted: impl Fn(&Value) -> bool) -> Value {
        within(async {
            let mut ticks = tokio::time::interval(Duration::from_millis(10));
            loop {
                let answer = self.get("/v1/campaigns/c/tally").await;
                if answer.status == 200 && wanted(&answer.json()) {
                    return answer.json();
                }
                ticks.tick().await;
            }
        })
        .await
    }
}

/// Counts by the cluster's clock, on which no day ends within a test.
fn aggregate(cluster: &Cluster, view: &View) {
    let config = Config {
        flush_interval: Duration::from_millis(20),
        retry_interval: Duration::from_millis(20),
        tick: Duration::from_millis(20),
        ..Config::new(1_000)
    };
    let journal = cluster.process("aggregator");
    let clock = Arc::new(cluster.clock("aggregator"));
    let check = Arc::new(ClockCheck::new(2_000));
    let aggregator = Aggregator::new(journal, view.clone(), clock, check, config);
    drop(tokio::spawn(aggregator.run(CancellationToken::new())));
}

/// The outcome, or a failed test.
pub(crate) async fn within<F: Future>(future: F) -> F::Output {
    let Ok(output) = timeout(PATIENCE, future).await else { panic!("nothing within {PATIENCE:?}") };
    output
}

/// Waits until the state is as it should be.
pub(crate) async fn eventually(mut state: impl FnMut() -> bool) {
    within(async {
        let mut ticks = tokio::time::interval(Duration::from_millis(5));
        while !state() {
            ticks.tick().await;
        }
    })
    .await;
}
