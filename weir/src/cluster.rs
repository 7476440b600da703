//! `weir ingest` and `weir aggregate`: the two kinds of process of a Weir on Kafka. Both show
//! results; edges take ballots, aggregators count, and any number of either may come and go.
//!
//! Never here: a topic or a rules record made on the way; that is `weir topics`.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use ballot::Campaign;
use ingest::Site;
use journal::{Clock, Kafka, KafkaCluster};

use crate::args::{AggregateArgs, IngestArgs, ServeArgs, SiteArgs, TraceArgs};
use crate::config::{Keys, all_different, connect, keys_file, read_campaign};
use crate::exit::Failure;
use crate::identity::{Origin, chosen};
use crate::process::{self, Opened, Ports, Program, Reading, Role, Setting, check_grace, origin};

pub(crate) fn ingest(args: &IngestArgs) -> Result<(), Failure> {
    let campaigns = campaigns(&args.serve, Some(&args.keys))?;
    let campaigns = campaigns.into_iter().map(|campaign| known(Some(&args.site), campaign));
    let campaigns = campaigns.collect::<Result<Vec<_>, _>>()?;
    let keys = campaigns.iter().map(|campaign| keys(&args.keys, &campaign.id).map(Some));
    let keys = keys.collect::<Result<Vec<_>, _>>()?;
    let program = OnKafka {
        name: "ingest",
        cluster: connect(&args.serve.kafka, None)?,
        campaigns: campaigns.into_iter().zip(keys).collect(),
        files: &args.serve.campaigns,
        keys: Some(&args.keys),
        trace: Some(&args.trace),
        site: Some(&args.site),
        replication: args.serve.replication,
    };
    process::run(&program, args.setting())
}

pub(crate) fn aggregate(args: &AggregateArgs) -> Result<(), Failure> {
    let campaigns = campaigns(&args.serve, None)?;
    let session_timeout = Duration::from_secs(args.session_timeout);
    let program = OnKafka {
        name: "aggregate",
        cluster: connect(&args.serve.kafka, Some(session_timeout))?,
        campaigns: campaigns.into_iter().map(|campaign| (campaign, None)).collect(),
        files: &args.serve.campaigns,
        keys: None,
        trace: None,
        site: None,
        replication: args.serve.replication,
    };
    process::run(&program, args.setting())
}

impl IngestArgs {
    fn setting(&self) -> Setting {
        Setting {
            role: Role::Edge,
            listen: self.listen,
            ops_listen: self.ops_listen,
            drain_wait: Duration::from_secs(self.serve.drain_wait),
            site: self.site.site(),
            identity_data: self.site.identity_data.clone(),
            imitates: self.site.imitates(),
            tls: self.site.tls(),
        }
    }
}

impl AggregateArgs {
    fn setting(&self) -> Setting {
        Setting {
            role: Role::Counting,
            listen: self.listen,
            ops_listen: self.ops_listen,
            drain_wait: Duration::from_secs(self.serve.drain_wait),
            site: Site::default(),
            identity_data: None,
            imitates: false,
            tls: None,
        }
    }
}

/// A process on Kafka.
struct OnKafka<'a> {
    name: &'static str,
    cluster: KafkaCluster,
    campaigns: Vec<(Campaign, Option<Keys>)>,
    /// Where the campaigns were read, in their order.
    files: &'a [PathBuf],
    /// Where keys are; none where no ballots are taken.
    keys: Option<&'a Path>,
    /// None where no ballots are taken.
    trace: Option<&'a TraceArgs>,
    /// None where no ballots are taken.
    site: Option<&'a SiteArgs>,
    replication: u32,
}

impl Program for OnKafka<'_> {
    type Journal = Kafka;

    async fn open(&self, _clock: &Arc<dyn Clock>) -> Result<Vec<Opened<Kafka>>, Failure> {
        let mut opened = Vec::new();
        for (campaign, keys) in &self.campaigns {
            let one = self.open_one(campaign.clone(), keys.clone()).await;
            opened.push(one.map_err(|failure| failure.about(&campaign.id))?);
        }
        Ok(opened)
    }

    fn again(&self, place: usize, id: &str) -> Reading {
        let (file, id) = (self.files.get(place).cloned(), id.to_owned());
        let (given, site) = (self.keys.map(Path::to_owned), self.site.cloned());
        Reading::new(file.iter().chain(&given).cloned().collect(), move || {
            let campaign = known(site.as_ref(), read_campaign(file.as_deref())?)?;
            Ok((campaign, given.map(|given| keys(&given, &id)).transpose()?))
        })
    }

    fn trace(&self) -> Option<&TraceArgs> {
        self.trace
    }

    fn hello(&self, ports: &Ports, opened: &[Opened<Kafka>], _now_ms: i64) -> String {
        let (api, ops) = (origin(ports.api_address), origin(ports.ops_address));
        let mut lines = vec![
            format!("weir {} is up: the public API is at {api}", self.name),
            format!("For operators only: {ops}/metrics {ops}/readyz {ops}/livez"),
        ];
        for Opened { campaign, .. } in opened {
            lines.push(format!("  campaign  {api}/v1/campaigns/{}", campaign.id));
        }
        lines.join("\n")
    }
}

impl OnKafka<'_> {
    async fn open_one(
        &self,
        campaign: Campaign,
        keys: Option<Keys>,
    ) -> Result<Opened<Kafka>, Failure> {
        self.cluster.check_topics(&campaign.id, self.replication).await?;
        let journal = self.cluster.journal(&campaign.id).await?;
        Opened::checked(campaign, journal, keys).await
    }
}

fn campaigns(args: &ServeArgs, keys: Option<&Path>) -> Result<Vec<Campaign>, Failure> {
    let campaigns = args.campaigns.iter().map(|file: &PathBuf| read_campaign(Some(file)));
    let campaigns = campaigns.collect::<Result<Vec<_>, _>>()?;
    all_different(&campaigns, keys)?;
    campaigns.iter().try_for_each(check_grace)?;
    Ok(campaigns)
}

/// The campaign with the way of signing in that it has here; whoever only counts needs none.
fn known(site: Option<&SiteArgs>, campaign: Campaign) -> Result<Campaign, Failure> {
    match site {
        Some(site) => chosen(site, Origin::Cluster, campaign),
        None => Ok(campaign),
    }
}

/// A campaign's keys, which must be there.
fn keys(given: &Path, campaign: &str) -> Result<Keys, Failure> {
    let keys = Keys::existing(
        &keys_file(given, campaign),
        "`weir topics` makes it when it makes the topics",
    )?;
    keys.token_keys(campaign)?;
    Ok(keys)
}
