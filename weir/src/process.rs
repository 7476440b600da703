//! A process that serves: an edge, the counting, or both, for any number of campaigns, on whichever
//! journal.
//!
//! Order is everything here. Up: configuration, ports, journals, rules, and only then work. Down:
//! not ready, ports, ballots in flight, counting, journals. Never here: work that nobody ends.

mod descriptors;
mod ending;
mod metrics;
mod ports;
mod reload;
mod running;
mod sign_in;
mod signals;
mod tls;
mod working;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use aggregator::{View, check, view};
use ballot::{Campaign, Challenge, Rules};
use ingest::{BatchLimits, Captcha, Site};
use journal::{Clock, Journal, SystemClock};
use tokio::runtime::Builder;
use tokio_util::task::AbortOnDropHandle;

use crate::args::TraceArgs;
use crate::config::Keys;
use crate::exit::Failure;
use crate::trace::Exporting;
pub(crate) use descriptors::{connections_max, raise as raise_descriptors};
pub(crate) use metrics::REVISION;
pub(crate) use ports::{Ports, origin, origin_by};
pub(crate) use reload::Reading;
use reload::{Loaded, Reloading};
use running::Running;
pub(crate) use sign_in::follows_file;
use signals::{Hangups, Signals};
pub(crate) use tls::TlsFiles;

/// How far this process's clock may be from the journal's: with NTP a machine is within
/// milliseconds, and one that is not must not close a day.
pub(crate) const CLOCK_OFFSET_MAX_MS: u16 = 2_000;

/// What a process does for its campaigns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// Takes ballots and shows results.
    Edge,
    /// Counts and shows results.
    Counting,
    /// All of it, alone on its journal.
    Everything,
}

impl Role {
    const fn takes_ballots(self) -> bool {
        matches!(self, Self::Edge | Self::Everything)
    }

    const fn counts(self) -> bool {
        matches!(self, Self::Counting | Self::Everything)
    }
}

/// How a process is run, besides its campaigns.
#[derive(Debug, Clone)]
pub(crate) struct Setting {
    pub(crate) role: Role,
    pub(crate) listen: SocketAddr,
    pub(crate) ops_listen: SocketAddr,
    /// How long it goes on taking requests when it is not ready any more, so that whoever balances
    /// has heard of it.
    pub(crate) drain_wait: Duration,
    /// Where voters find it.
    pub(crate) site: Site,
    /// Where it is kept who follows; none: in memory.
    pub(crate) identity_data: Option<PathBuf>,
    /// Whether WeChat is imitated here.
    pub(crate) imitates: bool,
    /// The public listener's certificate; none where it speaks plain HTTP.
    pub(crate) tls: Option<TlsFiles>,
}

/// A campaign that may be worked on: its journal is open, and its rules are those in the journal.
#[derive(Debug)]
pub(crate) struct Opened<J> {
    pub(crate) campaign: Campaign,
    pub(crate) journal: J,
    /// None where no ballots are taken.
    pub(crate) keys: Option<Keys>,
    pub(crate) rules: Rules,
    pub(crate) view: View,
    /// Keeps `view` up to date.
    pub(crate) following: AbortOnDropHandle<()>,
}

impl<J: Journal> Opened<J> {
    /// A campaign on its journal, once its rules have been compared with those in the journal.
    pub(crate) async fn checked(
        campaign: Campaign,
        journal: J,
        keys: Option<Keys>,
    ) -> Result<Self, Failure> {
        let (view, follow) = view(journal.clone());
        // Ends with whoever holds this.
        let following = AbortOnDropHandle::new(tokio::spawn(follow));
        let rules = agreed_rules(&campaign, &journal, keys.as_ref(), &view).await?;
        Ok(Self { campaign, journal, keys, rules, view, following })
    }
}

/// The rules of a campaign with these keys, if they are those in its journal.
async fn agreed_rules<J: Journal>(
    campaign: &Campaign,
    journal: &J,
    keys: Option<&Keys>,
    view: &View,
) -> Result<Rules, Failure> {
    let fingerprint = match keys {
        Some(keys) => keys.pseudonym_key().fingerprint(),
        // Whoever has no key cannot have another one.
        None => aggregator::in_force(journal, view, 0).await?.rules.pseudonym_key,
    };
    let rules = Rules::new(campaign, journal.identity(), journal.partitions(), fingerprint);
    check(journal, view, &rules).await?;
    Ok(rules)
}

/// A command that runs as a process.
pub(crate) trait Program {
    type Journal: Journal;

    /// The campaigns, each on its journal. Everything that can be wrong with their configuration is
    /// found here.
    async fn open(&self, clock: &Arc<dyn Clock>) -> Result<Vec<Opened<Self::Journal>>, Failure>;

    /// How the campaign that was opened at this place, with this id, is read again from its files.
    fn again(&self, place: usize, id: &str) -> Reading;

    /// The directory that its data is in, if it has one.
    fn data(&self) -> Option<&Path> {
        None
    }

    /// Whether and where its ballots are traced.
    fn trace(&self) -> Option<&TraceArgs> {
        None
    }

    /// What it says once it is up.
    fn hello(&self, ports: &Ports, opened: &[Opened<Self::Journal>], now_ms: i64) -> String;
}

/// Runs a process to its end.
pub(crate) fn run(program: &impl Program, setting: Setting) -> Result<(), Failure> {
    let runtime = Builder::new_multi_thread().enable_all().build();
    let runtime =
        runtime.map_err(|error| Failure::internal(format!("cannot start a runtime: {error}")))?;
    let ended = runtime.block_on(serve(program, setting));
    // All tasks have ended, or the end was forced and nothing is waited for.
    runtime.shutdown_background();
    ended
}

async fn serve(program: &impl Program, setting: Setting) -> Result<(), Failure> {
    let (mut signals, hangups) = (Signals::new()?, Hangups::new()?);
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let exporting = Exporting::start(program.trace(), &clock)?;
    // Biased: a signal ends a start that waits. Nothing has been taken by then.
    let (running, hello, reloading) = tokio::select! {
        biased;
        () = signals.next() => return Ok(()),
        started = start(program, setting) => started?,
    };
    if let Some(exporting) = &exporting {
        reloading.edge.trace(exporting.tracer());
    }
    let greeting = running.greet(hello);
    let meanwhile = async {
        // Neither ends.
        tokio::select! {
            biased;
            never = greeting => never,
            never = reloading.run(hangups) => never,
        }
    };
    let ended = ending::end(running, meanwhile, &mut signals).await;
    if let Some(exporting) = exporting {
        exporting.end().await;
    }
    ended
}

/// Starts everything; also what to say once it is up, and what can be read again from then on.
async fn start<P: Program>(
    program: &P,
    mut setting: Setting,
) -> Result<(Running<P::Journal>, String, Reloading<'_, P>), Failure> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    // A port that cannot be had must not leave a journal founded behind it.
    let ports = Ports::bind(setting.listen, setting.ops_listen).await?;
    if setting.role == Role::Everything {
        // Whoever tries it out is on this machine.
        let here = || origin_by(setting.tls.is_some(), ports.api_address);
        setting.site.public_url.get_or_insert_with(here);
    }
    let tls = setting.tls.as_ref().map(TlsFiles::open).transpose()?;
    if setting.imitates && tls.is_some() {
        return Err(Failure::configuration(
            "--identity wechat-imitation: does not go with --tls-cert: the imitation speaks plain \
             HTTP on this machine; leave one of them out",
        ));
    }
    let opened = program.open(&clock).await?;
    let hello = program.hello(&ports, &opened, clock.now_ms());
    let loaded = opened.iter().map(Loaded::of).collect();
    let imitates = setting.imitates;
    let (running, edge) =
        Running::start(opened, (ports, tls), &clock, setting, program.data()).await?;
    Ok((running, hello, Reloading { program, edge, loaded, imitates }))
}

/// A day must not close while a ballot of it can still be acknowledged.
pub(crate) fn check_grace(campaign: &Campaign) -> Result<(), Failure> {
    let checked = match campaign.challenge {
        Some(Challenge::Captcha { .. }) => Captcha::DEADLINE,
        Some(Challenge::Work { .. }) | None => Duration::ZERO,
    };
    let deadline_ms = (BatchLimits::default().deadline + checked).as_millis();
    let least_ms = deadline_ms + 2 * u128::from(CLOCK_OFFSET_MAX_MS);
    if u128::from(campaign.grace_ms) > least_ms {
        return Ok(());
    }
    Err(Failure::configuration(format!(
        "{}: grace_seconds: give more than {}: a ballot may take that long to be acknowledged",
        campaign.id,
        least_ms / 1_000
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_captcha_that_is_waited_for_is_part_of_what_the_grace_must_outlast() {
        let with = |grace_ms, challenge| {
            let mut campaign = crate::config::read_campaign(None).unwrap();
            (campaign.grace_ms, campaign.challenge) = (grace_ms, challenge);
            check_grace(&campaign).is_ok()
        };
        let url = || "https://captcha.example/".to_owned();
        let captcha = || Some(Challenge::Captcha { page_url: url(), verify_url: url() });
        assert!(with(10_000, None) && with(10_000, Some(Challenge::Work { bits: 18 })));
        assert!(!with(12_000, captcha()) && with(13_000, captcha()));
    }
}
