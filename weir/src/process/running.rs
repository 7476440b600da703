//! Everything that runs while a process is up: the two servers, and for each campaign what works.
//!
//! Invariant: whatever is started here is in [`Running`], and `ending` ends it.

use std::convert::Infallible;
use std::future::pending;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aggregator::View;
use ingest::metrics::{Watched, watch_connections};
use ingest::server::{Counters, Limits, Listening, Report, Shutdown, Tls, serve};
use ingest::{Edge, EdgeOptions, Ops, Readiness, wechat};
use journal::{Clock, Journal};
use prometheus::Registry;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::ports::Ports;
use super::sign_in::{self, SignIns};
use super::tls::Renewal;
use super::working::{self, Means, Tasks, Working};
use super::{Opened, Role, Setting, descriptors, metrics};
use crate::exit::Failure;
use crate::say;

/// Everything that runs.
#[derive(Debug)]
pub(super) struct Running<J> {
    pub(super) ends: Ends,
    pub(super) edge: JoinHandle<Report>,
    pub(super) ops: JoinHandle<Report>,
    pub(super) working: Vec<Working<J>>,
    pub(super) tasks: Tasks,
}

/// How what runs is ended.
#[derive(Debug, Clone)]
pub(super) struct Ends {
    /// Once cancelled, the process is not ready.
    pub(super) leaving: CancellationToken,
    pub(super) shutdown: Shutdown,
    pub(super) ops_shutdown: Shutdown,
    pub(super) drain_wait: Duration,
    /// Whether nobody else works on its journals.
    pub(super) is_alone: bool,
}

impl<J: Journal> Running<J> {
    /// Starts everything, and answers with the edge that serves. The campaigns are in order, the
    /// ports are open.
    pub(super) async fn start(
        opened: Vec<Opened<J>>,
        (ports, tls): (Ports, Option<(Tls, Renewal)>),
        clock: &Arc<dyn Clock>,
        setting: Setting,
        data: Option<&Path>,
    ) -> Result<(Self, Edge<J>), Failure> {
        let (leaving, registry) = (CancellationToken::new(), Registry::new());
        let (shutdown, ops_shutdown) = (Shutdown::new(), Shutdown::new());
        let (api_counters, ops_counters) =
            (Arc::new(Counters::default()), Arc::new(Counters::default()));
        let (limits, ops_limits) = limits();
        let watched = [
            Watched { listener: "api", limits: &limits, counters: &api_counters },
            Watched { listener: "ops", limits: &ops_limits, counters: &ops_counters },
        ];
        watch_connections(&registry, &watched).map_err(no_metrics)?;
        let mut tasks = Tasks::new();
        let (mut working, mut campaigns) = (Vec::new(), Vec::new());
        let sign_ins = sign_ins(&ports, clock, &setting, (&registry, &mut tasks)).await?;
        let mut means = Means {
            role: setting.role,
            clock,
            registry: &registry,
            tasks: &mut tasks,
            sign_ins: sign_ins.as_ref(),
        };
        for opened in opened {
            let (started, campaign) = working::start(opened, &mut means)?;
            working.push(started);
            campaigns.push(campaign);
        }
        metrics::watch(&registry, setting.role, &campaigns, data).map_err(no_metrics)?;
        let options = EdgeOptions {
            limits,
            clock: Arc::clone(clock),
            shutdown: shutdown.clone(),
            registry: registry.clone(),
            site: setting.site.clone(),
        };
        let edge = Edge::new(campaigns, options).map_err(no_metrics)?;
        let upkeep = edge.upkeep();
        tasks.spawn(async move { match upkeep.await {} });
        let ready = readiness(edge.clone(), &working, leaving.clone());
        metrics::watch_readiness(&registry, &ready).map_err(no_metrics)?;
        let ops = Ops::new(registry, ready);
        // Both are joined by `ending`, and end through their shutdowns.
        let handler = edge.clone();
        let tls = tls.map(|(tls, renewal)| {
            tasks.spawn(async move { match renewal.run().await {} });
            tls
        });
        let listening = Listening::new(ports.api, tls);
        let api = tokio::spawn(serve(listening, handler, limits, shutdown.clone(), api_counters));
        let ops =
            tokio::spawn(serve(ports.ops, ops, ops_limits, ops_shutdown.clone(), ops_counters));
        let (drain_wait, is_alone) = (setting.drain_wait, setting.role == Role::Everything);
        let ends = Ends { leaving, shutdown, ops_shutdown, drain_wait, is_alone };
        Ok((Self { ends, edge: api, ops, working, tasks }, edge))
    }

    /// Says `lines` as soon as there is a tally of every campaign that is counted here, and then
    /// does nothing for ever.
    pub(super) fn greet(&self, lines: String) -> impl Future<Output = Infallible> + use<J> {
        let counted = self.working.iter().filter(|working| working.counting.is_some());
        let views: Vec<View> = counted.map(|working| working.view.clone()).collect();
        async move {
            for mut view in views {
                if view.served.wait_for(Option::is_some).await.is_err() {
                    // The view has ended, and so will the process.
                    return pending().await;
                }
            }
            say(&lines);
            pending().await
        }
    }
}

/// What sign-ins share, where voters sign in.
async fn sign_ins(
    ports: &Ports,
    clock: &Arc<dyn Clock>,
    setting: &Setting,
    (registry, tasks): (&Registry, &mut Tasks),
) -> Result<Option<SignIns>, Failure> {
    if setting.role == Role::Counting {
        return Ok(None);
    }
    let metrics = wechat::Metrics::new(registry).map_err(no_metrics)?;
    let public_url = setting.site.public_url.as_deref().filter(|_| setting.imitates);
    let imitated = match public_url {
        Some(public_url) => Some(sign_in::imitate(public_url, ports, clock, tasks).await?),
        None => None,
    };
    let (clock, data) = (Arc::clone(clock), setting.identity_data.clone());
    Ok(Some(SignIns { heard: Mutex::default(), clock, metrics, data, imitated }))
}

/// The limits of the public listener, as far as the process has descriptors, and of the operators'.
fn limits() -> (Limits, Limits) {
    let limits = Limits::default();
    let connections_max =
        descriptors::connections_max(descriptors::raise(), limits.connections_max);
    if connections_max < limits.connections_max {
        tracing::warn!(
            connections_max,
            wanted = limits.connections_max,
            "fewer connections than wanted: raise this process's limit of open files (nofile)"
        );
    }
    let ops_limits = Limits { connections_max: descriptors::OPS_CONNECTIONS_MAX, ..limits };
    (Limits { connections_max, ..limits }, ops_limits)
}

pub(super) fn no_metrics(error: prometheus::Error) -> Failure {
    Failure::internal(format!("metrics: {error}"))
}

/// Whether the process should be sent work: the edge, every campaign, and nobody has asked it to
/// leave.
fn readiness<J: Journal>(
    edge: Edge<J>,
    working: &[Working<J>],
    leaving: CancellationToken,
) -> Readiness {
    let complaints: Vec<_> = working.iter().map(Working::complaint).collect();
    Arc::new(move || {
        let mut found = edge.complaints();
        found.extend(complaints.iter().filter_map(|complaint| complaint()));
        if leaving.is_cancelled() {
            found.push("the process is ending".to_owned());
        }
        if found.is_empty() { Ok(()) } else { Err(found) }
    })
}
