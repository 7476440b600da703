//! One process of Weir as far as a test can shift its clock: connections to the cluster of its
//! own, a heartbeat, a results view, and on demand a real edge on a loopback port, a real
//! aggregator, or both.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use aggregator::{Aggregator, Config, Served, Statuses, View, view};
use ballot::{Campaign, Rules, TallyDocument, TokenKeys};
use ingest::server::{Counters, Limits, Shutdown, serve};
use ingest::{BatchLimits, Batcher, Edge, EdgeCampaign, EdgeOptions, SignIn, Site, Voting};
use journal::{ClockCheck, Kafka, KafkaCluster, KafkaOptions};
use prometheus::Registry;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::kit::{CLOCK_OFFSET_MS_MAX, ShiftedClock, known, until};

const TOKEN_KEY: (u8, [u8; 32]) = (1, [1; 32]);

/// What voters see of a campaign. Its window says nothing here: ballots go by the rules record.
const SHOWN: &str = r#"
title = "Midnight"
zone = "Asia/Shanghai"
opens_at = 2023-12-18T10:00:00
closes_at = 2023-12-19T17:00:00
choices_per_ballot_max = 1
[[choices]]
number = 1
title = "one"
[[choices]]
number = 2
title = "two"
"#;

/// Everything of it ends when it is dropped, as by a crash.
pub(crate) struct Process {
    pub(crate) clock: Arc<ShiftedClock>,
    /// The same clock as the aggregator reads it.
    pub(crate) counting_clock: Arc<ShiftedClock>,
    pub(crate) check: Arc<ClockCheck>,
    campaign: String,
    journal: Kafka,
    view: View,
    tasks: JoinSet<()>,
}

/// An edge and where it listens.
pub(crate) struct Listening {
    pub(crate) edge: Edge<Kafka>,
    pub(crate) campaign: String,
    pub(crate) address: SocketAddr,
    pub(crate) tokens: TokenKeys,
    pub(crate) clock: Arc<ShiftedClock>,
}

impl Process {
    /// A process on a campaign that has been founded.
    pub(crate) async fn start(bootstrap: &str, campaign: &str, ahead_ms: i64) -> Self {
        let cluster = KafkaCluster::connect(KafkaOptions::new(bootstrap)).unwrap();
        let journal = known("a founded journal", || cluster.journal(campaign)).await;
        let clock = Arc::new(ShiftedClock::new(ahead_ms));
        let check = Arc::new(ClockCheck::new(CLOCK_OFFSET_MS_MAX));
        let (view, follow) = view(journal.clone());
        let mut tasks = JoinSet::new();
        tasks.spawn(follow);
        let beat = (journal.clone(), Arc::clone(&clock), Arc::clone(&check));
        tasks.spawn(async move { journal::beat(beat.0, &*beat.1, &beat.2).await });
        let counting_clock = Arc::new(clock.shared());
        let campaign = campaign.to_owned();
        Self { clock, counting_clock, check, campaign, journal, view, tasks }
    }

    /// Takes ballots from now on.
    pub(crate) async fn listen(&mut self, rules: &Rules) -> Listening {
        let campaign = Campaign::parse(&format!("id = \"{}\"\n{SHOWN}", self.campaign)).unwrap();
        let (_, newest) = watch::channel(Arc::new(rules.clone()));
        let limits = BatchLimits::default();
        let batcher = Arc::new(Batcher::new(self.journal.clone(), newest, limits));
        self.tasks.spawn(Arc::clone(&batcher).run());
        let tokens = TokenKeys::new(&self.campaign, &[TOKEN_KEY]).unwrap();
        let given = EdgeCampaign {
            campaign,
            journal: self.journal.clone(),
            view: self.view.clone(),
            clock_check: Arc::clone(&self.check),
            voting: Some(Voting { batcher, tokens: tokens.clone(), sign_in: SignIn::default() }),
        };
        let (limits, shutdown, clock) =
            (Limits::default(), Shutdown::new(), Arc::clone(&self.clock));
        let options = EdgeOptions {
            limits,
            clock: clock.clone(),
            shutdown: shutdown.clone(),
            registry: Registry::new(),
            site: Site::default(),
        };
        let edge = Edge::new(vec![given], options).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let serving = serve(listener, edge.clone(), limits, shutdown, Arc::<Counters>::default());
        self.tasks.spawn(async { _ = serving.await });
        let campaign = self.campaign.clone();
        Listening { edge, campaign, address, tokens, clock }
    }

    /// Joins the group that counts.
    pub(crate) fn count(&mut self) -> Statuses {
        let config = Config {
            flush_interval: Duration::from_millis(100),
            tick: Duration::from_millis(100),
            ..Config::new(10_000)
        };
        let (journal, view) = (self.journal.clone(), self.view.clone());
        let (clock, check) = (Arc::clone(&self.counting_clock), Arc::clone(&self.check));
        let aggregator = Aggregator::new(journal, view, clock, check, config);
        let statuses = aggregator.statuses();
        // Never drained: it ends with the process.
        self.tasks.spawn(async { _ = aggregator.run(CancellationToken::new()).await });
        statuses
    }

    /// The result that this process serves now.
    pub(crate) fn served(&self) -> Option<Arc<Served>> {
        self.view.served.borrow().clone()
    }

    /// The first result of which `enough` is true.
    pub(crate) async fn result(
        &self,
        what: &str,
        enough: impl Fn(&TallyDocument) -> bool,
    ) -> Arc<Served> {
        let is_enough = |served: &Arc<Served>| enough(&served.document);
        until(what, || self.served().as_ref().is_some_and(is_enough)).await;
        self.served().unwrap()
    }
}
