//! The edge: what answers the public listener, and what its requests share.
//!
//! Invariant: whatever is asked, there is an answer of the interface. Never here: what a route
//! does, or a log line per request.

mod answer;

use std::convert::Infallible;
use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use ballot::{Campaign, TokenKeys};
use journal::{Clock, ClockCheck, Journal, MEASURED_AGE_MAX};
use prometheus::Registry;
use tokio::join;
use tokio::sync::Semaphore;
use tokio::time::sleep;

use crate::abuse::{Abuse, Connection};
use crate::batcher::Batcher;
use crate::hosted::Hosted;
use crate::identity::SignIn;
use crate::metrics::{ChallengeCounts, Requests, watch_batchers};
use crate::noted::Noted;
use crate::problem::Problem;
use crate::refusal::Refusal;
use crate::scans::Scans;
use crate::server::{Limits, Shutdown};
use crate::site::Site;
use crate::stream::Places;
use crate::trace::Tracer;
use crate::turns::Turns;
pub(crate) use answer::{json, redirect, without_body};

/// How long the journal may leave heartbeats unanswered: five of them.
const HEARTBEAT_WITHIN: Duration = Duration::from_secs(5);
/// How often callers are forgotten who have not asked for a while.
const UPKEEP_EVERY: Duration = Duration::from_secs(1);
/// The most scans for an outcome at a time: a scan may read a day's ballots of a partition.
const SCANS_MAX: usize = 2;
/// The most receipts read at a time: a journal may read a megabyte to find one record.
const READS_MAX: usize = 64;
/// The most sign-ins whose body is waited for, and as many of WeChat's events. What arrives whole
/// is not waited for.
const BODIES_MAX: usize = 256;

/// A campaign that an edge serves, and what it needs for that.
#[derive(Debug)]
pub struct EdgeCampaign<J> {
    /// The campaign.
    pub campaign: Campaign,
    /// Its journal, for receipts.
    pub journal: J,
    /// Its results. Nothing that has to do with ballots waits for them: nobody may be counting.
    pub view: aggregator::View,
    /// Whether its ballots may be stamped by this process's clock.
    pub clock_check: Arc<ClockCheck>,
    /// What it needs to take ballots; none where only results are served.
    pub voting: Option<Voting<J>>,
}

/// What a campaign needs to take ballots and to tell their voters what became of them.
#[derive(Debug)]
pub struct Voting<J> {
    /// Where its ballots go. Whoever made it runs it.
    pub batcher: Arc<Batcher<J>>,
    /// What its voters' tokens are checked with.
    pub tokens: TokenKeys,
    /// How its voters get their tokens here.
    pub sign_in: SignIn,
}

/// What an edge shares over its campaigns.
#[derive(Debug)]
pub struct EdgeOptions {
    /// For bodies; the rest is the server's business.
    pub limits: Limits,
    /// Stamps ballots.
    pub clock: Arc<dyn Clock>,
    /// Of the server that this edge answers for.
    pub shutdown: Shutdown,
    /// Where the edge's metrics go.
    pub registry: Registry,
    /// Where voters find it, and whom it believes about them.
    pub site: Site,
}

/// Answers the public listener. Clones are the same edge, each for one connection.
pub struct Edge<J> {
    shared: Arc<Shared<J>>,
    /// The other end of the connection, where there is one.
    peer: Option<IpAddr>,
    /// What that may ask; none where it may be a proxy, behind which there are many.
    allowance: Option<Arc<Connection>>,
}

/// What all requests share.
#[derive(Debug)]
pub(crate) struct Shared<J> {
    pub(crate) campaigns: Vec<Hosted<J>>,
    pub(crate) limits: Limits,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) requests: Requests,
    pub(crate) streams: Places,
    pub(crate) reads: Semaphore,
    pub(crate) outcome_scans: Semaphore,
    pub(crate) session_bodies: Semaphore,
    pub(crate) event_bodies: Semaphore,
    pub(crate) scans: Scans,
    pub(crate) site: Site,
    pub(crate) abuse: Abuse,
    pub(crate) turns: Turns,
    shutdown: Shutdown,
    /// None as long as nothing is traced.
    tracer: OnceLock<Arc<Tracer>>,
}

impl<J> Shared<J> {
    /// A campaign by its id.
    pub(crate) fn campaign(&self, id: &str) -> Result<&Hosted<J>, Refusal> {
        let hosted = self.place(id).and_then(|place| self.campaigns.get(place));
        hosted.ok_or_else(|| Problem::UnknownCampaign.into())
    }

    /// Where a campaign is among them. There are few: comparing beats hashing.
    pub(crate) fn place(&self, id: &str) -> Option<usize> {
        self.campaigns.iter().position(|hosted| hosted.given.campaign.id == id)
    }
}

impl<J: Journal> Edge<J> {
    /// An edge for these campaigns.
    ///
    /// # Errors
    /// If the registry has metrics of these names already.
    pub fn new(
        campaigns: Vec<EdgeCampaign<J>>,
        options: EdgeOptions,
    ) -> Result<Self, prometheus::Error> {
        let EdgeOptions { limits, clock, shutdown, registry, site } = options;
        let ids = campaigns.iter().map(|given| given.campaign.id.as_str());
        let requests = Requests::new(&registry, ids)?;
        let batchers = campaigns.iter().filter_map(|given| {
            Some((given.campaign.id.as_str(), &given.voting.as_ref()?.batcher))
        });
        let channels = campaigns.iter().map(|given| &given.campaign);
        let channels = channels.map(|of| (of.id.as_str(), of.channels.as_slice()));
        let scans = Scans::new(&registry, channels)?;
        let abuse = Abuse::new(&registry, site.prefix_rate_max)?;
        let turns = Turns::new(&registry)?;
        watch_batchers(&registry, &clock, batchers)?;
        let ids = campaigns.iter().map(|given| given.campaign.id.as_str());
        let noted = Noted::of(&registry, ids.clone())?;
        let challenged = ChallengeCounts::of(&registry, ids)?;
        let hosted = campaigns.into_iter().zip(noted.into_iter().zip(challenged));
        let is_secure = site.is_secure();
        let hosted = hosted.map(|(given, counts)| Hosted::new(given, counts, is_secure));
        let shared = Arc::new(Shared {
            campaigns: hosted.collect(),
            limits,
            clock,
            requests,
            streams: Places::default(),
            reads: Semaphore::new(READS_MAX),
            outcome_scans: Semaphore::new(SCANS_MAX),
            session_bodies: Semaphore::new(BODIES_MAX),
            event_bodies: Semaphore::new(BODIES_MAX),
            scans,
            site,
            abuse,
            turns,
            shutdown,
            tracer: OnceLock::new(),
        });
        Ok(Self { shared, peer: None, allowance: None })
    }

    /// Shows a campaign's texts and takes its tokens as these say, from the next request on. All
    /// that counts must be as it was: whoever calls has checked. Answers whether it serves the
    /// campaign.
    pub fn renew(&self, campaign: &Campaign, tokens: Option<TokenKeys>) -> bool {
        let hosted = self.shared.campaign(&campaign.id);
        hosted.map(|hosted| hosted.renew(campaign, tokens)).is_ok()
    }

    /// Keeps what the edge knows of callers small, and gives views their turns; runs until it is
    /// dropped.
    pub fn upkeep(&self) -> impl Future<Output = Infallible> + Send + use<J> {
        let shared = Arc::clone(&self.shared);
        async move {
            let forgetting = async {
                loop {
                    sleep(UPKEEP_EVERY).await;
                    shared.abuse.forget();
                }
            };
            join!(forgetting, shared.turns.keep()).1
        }
    }

    /// Has ballots traced from the next request on; a second tracer is not taken.
    pub fn trace(&self, tracer: Arc<Tracer>) {
        drop(self.shared.tracer.set(tracer));
    }

    /// Why this edge should not be sent requests; empty if it should. That nobody counts, or what
    /// is counted cannot be read, is no reason: ballots are taken all the same.
    #[must_use]
    pub fn complaints(&self) -> Vec<String> {
        let mut complaints = Vec::new();
        if self.shared.shutdown.is_draining() {
            complaints.push("draining".to_owned());
        }
        for hosted in &self.shared.campaigns {
            let EdgeCampaign { campaign, clock_check, view, voting, .. } = &hosted.given;
            let mut complain = |what: String| complaints.push(format!("{}: {what}", campaign.id));
            if !clock_check.is_answered_within(HEARTBEAT_WITHIN) {
                complain("the journal does not answer heartbeats".to_owned());
            }
            clock_complaint(clock_check).into_iter().for_each(&mut complain);
            if let Some(error) = voting.as_ref().and_then(|voting| voting.batcher.complaint()) {
                complain(format!("ballots are not appended: {error}"));
            }
            if let Some(why) = &view.results.borrow().lost {
                complain(format!("the published results are refused: {why}"));
            }
        }
        complaints
    }
}

/// Why ballots may not be stamped by this process's clock, if so.
fn clock_complaint(check: &ClockCheck) -> Option<String> {
    match check.offset_ms() {
        None => Some("the clock has not been compared with the journal's".to_owned()),
        Some(_) if check.is_sound() => None,
        Some(_) if check.measured_ago() > MEASURED_AGE_MAX => Some(format!(
            "the clock has not been compared with the journal's for {} s",
            check.measured_ago().as_secs()
        )),
        Some(offset_ms) => Some(format!("the clock is {offset_ms} ms ahead of the journal's")),
    }
}

impl<J> Clone for Edge<J> {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
            peer: self.peer,
            allowance: self.allowance.clone(),
        }
    }
}

impl<J> fmt::Debug for Edge<J> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ids = self.shared.campaigns.iter().map(|hosted| &hosted.given.campaign.id);
        f.debug_tuple("Edge").field(&ids.collect::<Vec<_>>()).finish()
    }
}
