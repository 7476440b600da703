//! A whole Weir in this process, on the embedded journal with the machine's clock, and defects to
//! be planted between it and the load.
#![allow(dead_code, reason = "each test crate uses a part of it")]
#![allow(clippy::unwrap_used, reason = "a test says where it fails by panicking")]

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use aggregator::{Aggregator, Config, found, view};
use ballot::{Campaign, PseudonymKey, Rules, TokenKeys, local_date};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::{Method, Request, Response, StatusCode};
use ingest::server::{Body, Counters, Handler, Limits, Shutdown, serve};
use ingest::{BatchLimits, Batcher, Edge, EdgeCampaign, EdgeOptions, Voting};
use journal::{Clock as _, ClockCheck, Embedded, EmbeddedOptions, Journal as _, SystemClock};
use loadtest::load::Means;
use loadtest::plan::Plan;
use loadtest::run::Order;
use prometheus::Registry;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

const PARTITIONS: u32 = 4;
const DAY_MS: i64 = 86_400_000;
const KEY: (u8, [u8; 32]) = (1, [1; 32]);

/// What is wrong with a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Defect {
    /// Nothing.
    None,
    /// One ballot in so many gets a 202 and goes nowhere.
    Drops(u64),
    /// One ballot in so many is counted twice in the tally that is shown.
    CountsTwice(u64),
    /// One ballot in so many is answered 503, in truth or though it was taken.
    Doubts(u64),
}

/// A running Weir.
pub(crate) struct Site {
    pub(crate) journal: Embedded,
    pub(crate) campaign: Campaign,
    pub(crate) urls: Vec<String>,
    tasks: JoinSet<()>,
}

/// The campaign's file; now is in its middle.
pub(crate) fn campaign_text() -> String {
    let date = |days| local_date("UTC", SystemClock.now_ms() + days * DAY_MS).unwrap();
    let mut text = format!(
        "id = \"test\"\ntitle = \"A test\"\nzone = \"UTC\"\nopens_at = {}T00:00:00\n\
         closes_at = {}T00:00:00\nchoices_per_ballot_max = 3\n",
        date(-1),
        date(2),
    );
    for number in 1..=8 {
        text.push_str(&format!("[[choices]]\nnumber = {number}\ntitle = \"T{number}\"\n"));
    }
    text
}

impl Site {
    /// A Weir with two edges on one journal, each with the defect.
    pub(crate) async fn start(dir: &Path, defect: Defect) -> Self {
        let campaign = Campaign::parse(&campaign_text()).unwrap();
        let journal = Embedded::open(&EmbeddedOptions::new(dir, "test", PARTITIONS)).unwrap();
        let key = PseudonymKey::new(&[7; 32]).fingerprint();
        let rules = Rules::new(&campaign, journal.identity(), PARTITIONS, key);
        found(&journal, &rules, SystemClock.now_ms()).await.unwrap();
        let mut tasks = JoinSet::new();
        let (view, follow) = view(journal.clone());
        tasks.spawn(follow);
        let check = Arc::new(ClockCheck::new(2_000));
        let beat = (journal.clone(), Arc::clone(&check));
        tasks.spawn(async move { journal::beat(beat.0, &SystemClock, &beat.1).await });
        let config = Config { flush_interval: Duration::from_millis(50), ..Config::new(100_000) };
        let (clock, journals) = (Arc::new(SystemClock), journal.clone());
        let aggregator = Aggregator::new(journals, view.clone(), clock, Arc::clone(&check), config);
        tasks.spawn(async move { _ = aggregator.run(CancellationToken::new()).await });
        let mut urls = Vec::new();
        for _ in 0..2 {
            let (_, newest) = watch::channel(Arc::new(rules.clone()));
            let batcher = Batcher::new(journal.clone(), newest, BatchLimits::default());
            let batcher = Arc::new(batcher);
            tasks.spawn(Arc::clone(&batcher).run());
            let voting = Voting { batcher, tokens: TokenKeys::new("test", &[KEY]).unwrap() };
            let given = EdgeCampaign {
                campaign: campaign.clone(),
                journal: journal.clone(),
                view: view.clone(),
                clock_check: Arc::clone(&check),
                voting: Some(voting),
            };
            urls.push(listen(given, defect, &mut tasks).await);
        }
        Self { journal, campaign, urls, tasks }
    }

    /// The keys file of its tokens.
    pub(crate) fn keys_text() -> String {
        let secret = ballot::hex(&KEY.1);
        format!(
            "pseudonym_key = \"{secret}\"\n[[token_keys]]\nid = {}\nsecret = \"{secret}\"\n",
            KEY.0
        )
    }

    /// A run of this plan against it.
    pub(crate) fn order(&self, plan: Plan, seed: u64) -> Order {
        let edges = self.urls.iter();
        let edges = edges.map(|url| loadtest::target::Edge::new(url, "test", false).unwrap());
        Order {
            plan,
            seed,
            campaign: self.campaign.clone(),
            keys: TokenKeys::new("test", &[KEY]).unwrap(),
            edges: edges.collect(),
            means: Means { threads: 2, connections: 32, timeout: Duration::from_secs(8) },
        }
    }

    pub(crate) fn edge(&self) -> loadtest::target::Edge {
        loadtest::target::Edge::new(&self.urls[0], "test", false).unwrap()
    }

    pub(crate) async fn stop(mut self) {
        self.tasks.shutdown().await;
        self.journal.close().await;
    }
}

async fn listen(given: EdgeCampaign<Embedded>, defect: Defect, tasks: &mut JoinSet<()>) -> String {
    let shutdown = Shutdown::new();
    let limits = Limits::default();
    let (clock, registry) = (Arc::new(SystemClock), Registry::new());
    let options = EdgeOptions { limits, clock, shutdown: shutdown.clone(), registry };
    let edge = Edge::new(vec![given], options).unwrap();
    let broken = Broken { edge, defect, ballots: Arc::default() };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tasks.spawn(async move {
        serve(listener, broken, limits, shutdown, Arc::new(Counters::default())).await;
    });
    url
}

/// An edge behind a defect.
#[derive(Clone)]
struct Broken {
    edge: Edge<Embedded>,
    defect: Defect,
    ballots: Arc<AtomicU64>,
}

impl Handler for Broken {
    async fn handle(&self, request: Request<Incoming>) -> Response<Body> {
        let is_ballot = request.method() == Method::POST;
        let is_tally = request.uri().path().ends_with("/tally");
        let number = self.ballots.fetch_add(u64::from(is_ballot), Ordering::SeqCst);
        match self.defect {
            Defect::Drops(of) if is_ballot && number % of == of - 1 => {
                let body = request.into_body().collect().await;
                drop(body);
                let day = local_date("UTC", SystemClock.now_ms()).unwrap();
                let body = format!("{{\"receipt\":\"0-1-0\",\"day\":\"{day}\"}}");
                answer(StatusCode::ACCEPTED, body)
            }
            Defect::Doubts(of) if is_ballot && number % of == of - 1 => {
                if number % (2 * of) == of - 1 {
                    // It is taken, and nobody is told so.
                    drop(self.edge.handle(request).await);
                }
                answer(StatusCode::SERVICE_UNAVAILABLE, "{\"code\":\"other\"}".to_owned())
            }
            Defect::CountsTwice(of) if is_tally => {
                let told = self.edge.handle(request).await.into_body().collect().await;
                let told = told.unwrap().to_bytes();
                answer(StatusCode::OK, counted_twice(&told, of).unwrap_or_default())
            }
            Defect::None | Defect::Drops(_) | Defect::Doubts(_) | Defect::CountsTwice(_) => {
                self.edge.handle(request).await
            }
        }
    }
}

fn answer(status: StatusCode, body: String) -> Response<Body> {
    let mut response = Response::new(Body::fixed(body));
    *response.status_mut() = status;
    response
}

/// The tally with one ballot in so many counted twice, for its first choice.
fn counted_twice(told: &[u8], of: u64) -> Option<String> {
    let mut tally: Value = serde_json::from_slice(told).ok()?;
    for day in tally["days"].as_array_mut()? {
        let ballots = day["ballots"].as_u64()?;
        day["ballots"] = (ballots + ballots / of).into();
        day["votes"][0] = (day["votes"][0].as_u64()? + ballots / of).into();
    }
    Some(tally.to_string())
}
