//! The edge and the counting on any journal, put together as `weir` does it.
//!
//! Whatever is spawned here ends with the process: nobody drains a bench. Never here: a setting
//! that `weir` does not have.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use aggregator::{Aggregator, Config, Statuses, View};
use ballot::voters_per_partition;
use ingest::server::{Counters, Limits, Shutdown, serve};
use ingest::{
    BatchLimits, Batcher, Edge, EdgeCampaign, EdgeOptions, SignIn, Site, Voting, follow_rules,
};
use journal::{ClockCheck, Journal, SystemClock};
use prometheus::Registry;
use tokio::net::TcpListener;
use tokio::runtime::Builder;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::{Error, Poll};

/// As `weir`'s: 2 s.
const CLOCK_OFFSET_MS_MAX: i64 = 2_000;
/// How often a state that cannot be waited for is looked at.
const POLL: Duration = Duration::from_millis(10);

/// A journal with what every process keeps running beside it.
#[derive(Debug, Clone)]
pub struct Watched<J> {
    /// The journal.
    pub journal: J,
    /// Its results.
    pub view: View,
    clock_check: Arc<ClockCheck>,
}

impl<J: Journal> Watched<J> {
    /// Follows the journal's results and compares the clock with its own, on the runtime that this
    /// is called on.
    pub fn new(journal: J) -> Self {
        let (view, follow) = aggregator::view(journal.clone());
        tokio::spawn(follow);
        let clock_check = Arc::new(ClockCheck::new(CLOCK_OFFSET_MS_MAX));
        let (beating, check) = (journal.clone(), Arc::clone(&clock_check));
        tokio::spawn(async move { journal::beat(beating, &SystemClock, &check).await });
        Self { journal, view, clock_check }
    }

    /// Serves an edge; where, once it takes ballots.
    ///
    /// # Errors
    /// If there is no port, or the registry has an edge already.
    pub async fn serve(&self, poll: Poll, registry: &Registry) -> Result<SocketAddr, Error> {
        let Self { journal, view, clock_check } = self.clone();
        let rules = poll.rules(journal.identity(), journal.partitions());
        let (sender, newest) = watch::channel(Arc::new(rules));
        tokio::spawn(follow_rules(view.served.clone(), sender));
        let batcher = Arc::new(Batcher::new(journal.clone(), newest, BatchLimits::default()));
        tokio::spawn(Arc::clone(&batcher).run());
        let voting = Some(Voting { batcher, tokens: poll.tokens, sign_in: SignIn::default() });
        let given = EdgeCampaign { campaign: poll.campaign, journal, view, clock_check, voting };
        let (limits, shutdown) = (Limits::default(), Shutdown::new());
        let options = EdgeOptions {
            limits,
            clock: Arc::new(SystemClock),
            shutdown: shutdown.clone(),
            registry: registry.clone(),
            site: Site::default(),
        };
        let edge = Edge::new(vec![given], options)?;
        tokio::spawn(edge.upkeep());
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        tokio::spawn(serve(listener, edge, limits, shutdown, Arc::<Counters>::default()));
        while !self.clock_check.is_sound() {
            tokio::time::sleep(POLL).await;
        }
        Ok(address)
    }

    /// Counts, on a thread and a runtime of its own.
    ///
    /// # Errors
    /// If there is no such thread to be had.
    pub fn count(&self, poll: &Poll) -> Result<Statuses, Error> {
        let Self { journal, view, clock_check } = self.clone();
        let voters_max =
            voters_per_partition(poll.campaign.voters_per_day_max, journal.partitions());
        let config = Config::new(voters_max);
        let aggregator = Aggregator::new(journal, view, Arc::new(SystemClock), clock_check, config);
        let statuses = aggregator.statuses();
        let own = Builder::new_current_thread().enable_time().build()?;
        // Never drained and never joined.
        let count = move || own.block_on(aggregator.run(CancellationToken::new()));
        std::thread::Builder::new().name("count".to_owned()).spawn(count)?;
        Ok(statuses)
    }
}
