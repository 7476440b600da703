//! Everything that runs while `weir up` is up: the two servers, and for each campaign what counts.
//!
//! Invariant: whatever is started here is in [`Running`], and `ending` ends it.

use std::sync::Arc;

use aggregator::View;
use ingest::metrics::watch_connections;
use ingest::server::{Counters, Limits, Report, Shutdown, serve};
use ingest::{Edge, EdgeOptions, Ops, Readiness};
use journal::Clock;
use prometheus::Registry;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::counting::{self, Counting, Tasks};
use super::descriptors;
use super::founded::Founded;
use super::ports::Ports;
use crate::exit::Failure;

/// Everything that runs.
#[derive(Debug)]
pub(super) struct Running {
    /// Once cancelled, the process is not ready.
    pub(super) leaving: CancellationToken,
    pub(super) shutdown: Shutdown,
    pub(super) edge: JoinHandle<Report>,
    pub(super) ops_shutdown: Shutdown,
    pub(super) ops: JoinHandle<Report>,
    pub(super) counting: Vec<Counting>,
    pub(super) tasks: Tasks,
}

impl Running {
    /// Starts everything. The campaigns are in order, the ports are open.
    pub(super) fn start(
        founded: Vec<Founded>,
        ports: Ports,
        clock: &Arc<dyn Clock>,
    ) -> Result<Self, Failure> {
        let (leaving, registry) = (CancellationToken::new(), Registry::new());
        let (shutdown, ops_shutdown) = (Shutdown::new(), Shutdown::new());
        let (api_counters, ops_counters) =
            (Arc::new(Counters::default()), Arc::new(Counters::default()));
        let named = [("api", Arc::clone(&api_counters)), ("ops", Arc::clone(&ops_counters))];
        watch_connections(&registry, &named).map_err(no_metrics)?;
        let mut tasks = Tasks::new();
        let (mut counting, mut campaigns) = (Vec::new(), Vec::new());
        for founded in founded {
            let (started, metrics, campaign) = counting::start(founded, clock, &mut tasks)?;
            registry.register(Box::new(metrics)).map_err(no_metrics)?;
            counting.push(started);
            campaigns.push(campaign);
        }
        let (limits, ops_limits) = limits();
        let options = EdgeOptions {
            limits,
            clock: Arc::clone(clock),
            shutdown: shutdown.clone(),
            registry: registry.clone(),
        };
        let edge = Edge::new(campaigns, options).map_err(no_metrics)?;
        let ready = readiness(edge.clone(), &counting, leaving.clone());
        let ops = Ops::new(registry, ready);
        // Both are joined by `ending`, and end through their shutdowns.
        let edge = tokio::spawn(serve(ports.api, edge, limits, shutdown.clone(), api_counters));
        let ops =
            tokio::spawn(serve(ports.ops, ops, ops_limits, ops_shutdown.clone(), ops_counters));
        Ok(Self { leaving, shutdown, edge, ops_shutdown, ops, counting, tasks })
    }

    /// The results view of each campaign.
    pub(super) fn views(&self) -> Vec<View> {
        self.counting.iter().map(|counting| counting.view.clone()).collect()
    }
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

fn no_metrics(error: prometheus::Error) -> Failure {
    Failure::internal(format!("metrics: {error}"))
}

/// Whether the process should be sent work: the edge, every campaign, and nobody has asked it to
/// leave.
fn readiness(
    edge: Edge<journal::Embedded>,
    counting: &[Counting],
    leaving: CancellationToken,
) -> Readiness {
    let complaints: Vec<_> = counting.iter().map(Counting::complaint).collect();
    Arc::new(move || {
        let mut found = edge.complaints();
        found.extend(complaints.iter().filter_map(|complaint| complaint()));
        if leaving.is_cancelled() {
            found.push("the process is ending".to_owned());
        }
        if found.is_empty() { Ok(()) } else { Err(found) }
    })
}
