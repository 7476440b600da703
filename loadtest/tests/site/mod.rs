//! A whole Weir in this process, on the embedded journal with the machine's clock, and defects to
//! be planted between it and the load.
#![allow(dead_code, reason = "each test crate uses a part of it")]
#![allow(clippy::unwrap_used, reason = "a test says where it fails by panicking")]

mod broken;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use aggregator::{Aggregator, Config, found, view};
use ballot::{Campaign, PseudonymKey, Rules, TokenKeys, local_date};
use ingest::server::{Counters, Limits, Shutdown, serve};
use ingest::{BatchLimits, Batcher, Edge, EdgeCampaign, EdgeOptions, SignIn, Voting};
use journal::{Clock as _, ClockCheck, Embedded, EmbeddedOptions, Journal as _, SystemClock};
use loadtest::load::Means;
use loadtest::plan::Plan;
use loadtest::run::Order;
use prometheus::Registry;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use broken::Broken;
#[allow(unused_imports, reason = "each test crate uses a part of it")]
pub(crate) use broken::{Defect, Harmed, lot};

/// How many partitions its journal has.
pub(crate) const PARTITIONS: u32 = 4;
/// Voters of a day and partition that it has room for, unless more are said.
const VOTERS_MAX: usize = 100_000;
const DAY_MS: i64 = 86_400_000;
const KEY: (u8, [u8; 32]) = (1, [1; 32]);

/// A running Weir.
pub(crate) struct Site {
    pub(crate) journal: Embedded,
    pub(crate) campaign: Campaign,
    pub(crate) urls: Vec<String>,
    /// What was done to whom.
    pub(crate) harmed: Arc<Harmed>,
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
        Self::start_for(VOTERS_MAX, dir, defect).await
    }

    /// The same with room for so many voters of a day and partition.
    pub(crate) async fn start_for(voters_max: usize, dir: &Path, defect: Defect) -> Self {
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
        let config =
            Config { flush_interval: Duration::from_millis(50), ..Config::new(voters_max) };
        let (clock, journals) = (Arc::new(SystemClock), journal.clone());
        let aggregator = Aggregator::new(journals, view.clone(), clock, Arc::clone(&check), config);
        tasks.spawn(async move { _ = aggregator.run(CancellationToken::new()).await });
        let (mut urls, harmed) = (Vec::new(), Arc::new(Harmed::default()));
        for _ in 0..2 {
            let (_, newest) = watch::channel(Arc::new(rules.clone()));
            let batcher = Batcher::new(journal.clone(), newest, BatchLimits::default());
            let batcher = Arc::new(batcher);
            tasks.spawn(Arc::clone(&batcher).run());
            let voting = Voting {
                batcher,
                tokens: TokenKeys::new("test", &[KEY]).unwrap(),
                sign_in: SignIn::default(),
            };
            let given = EdgeCampaign {
                campaign: campaign.clone(),
                journal: journal.clone(),
                view: view.clone(),
                clock_check: Arc::clone(&check),
                voting: Some(voting),
            };
            let shutdown = Shutdown::new();
            let edge = edge(given, &shutdown);
            let broken = Broken::new(edge, defect, (journal.clone(), Arc::clone(&harmed)));
            urls.push(listen(broken, shutdown, &mut tasks).await);
        }
        Self { journal, campaign, urls, harmed, tasks }
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
            watched: Vec::new(),
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

fn edge(given: EdgeCampaign<Embedded>, shutdown: &Shutdown) -> Edge<Embedded> {
    let (limits, clock, registry) = (Limits::default(), Arc::new(SystemClock), Registry::new());
    let options = EdgeOptions {
        limits,
        clock,
        shutdown: shutdown.clone(),
        registry,
        site: ingest::Site::default(),
    };
    Edge::new(vec![given], options).unwrap()
}

async fn listen(broken: Broken, shutdown: Shutdown, tasks: &mut JoinSet<()>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let counters = Arc::new(Counters::default());
    tasks.spawn(async move {
        serve(listener, broken, Limits::default(), shutdown, counters).await;
    });
    url
}
