//! Everything that runs while `weir up` is up, and who it is: the tasks that must not end, the
//! servers, and for each campaign its batcher and its counting thread.
//!
//! Invariant: whatever is started here is in [`Running`], and `ending` ends it.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;

use aggregator::{Aggregator, Config, Metrics, Statuses, View};
use ballot::{Rules, voters_per_partition};
use ingest::server::{Counters, Limits, Report, Shutdown, serve};
use ingest::{
    BatchLimits, Batcher, Edge, EdgeCampaign, EdgeOptions, Ops, Readiness, watch_connections,
};
use journal::{Clock, ClockCheck, Embedded, beat};
use prometheus::Registry;
use tokio::net::TcpListener;
use tokio::runtime::Builder;
use tokio::sync::{oneshot, watch};
use tokio::task::{self, JoinSet};
use tokio_util::sync::CancellationToken;

use super::founded::{CLOCK_OFFSET_MAX_MS, Founded};
use crate::exit::Failure;

/// The two listeners, open but not served yet.
#[derive(Debug)]
pub(super) struct Ports {
    api: TcpListener,
    ops: TcpListener,
    pub(super) api_address: SocketAddr,
    pub(super) ops_address: SocketAddr,
}

impl Ports {
    pub(super) async fn bind(api: SocketAddr, ops: SocketAddr) -> Result<Self, Failure> {
        let (api, api_address) = bind("--listen", api).await?;
        let (ops, ops_address) = bind("--ops-listen", ops).await?;
        Ok(Self { api, ops, api_address, ops_address })
    }
}

async fn bind(flag: &str, address: SocketAddr) -> Result<(TcpListener, SocketAddr), Failure> {
    let listener = TcpListener::bind(address).await;
    let bound = listener.and_then(|listener| listener.local_addr().map(|at| (listener, at)));
    bound.map_err(|error| {
        let why = match error.kind() {
            io::ErrorKind::AddrInUse => "another process listens there".to_owned(),
            io::ErrorKind::PermissionDenied => {
                "this user may not listen there; ports below 1024 need a privilege".to_owned()
            }
            io::ErrorKind::AddrNotAvailable => "this machine does not have that address".to_owned(),
            _other => error.to_string(),
        };
        Failure::configuration(format!("{flag} {address}: {why}; give another address or port"))
    })
}

/// What runs for one campaign.
#[derive(Debug)]
pub(super) struct Counting {
    pub(super) campaign: String,
    pub(super) journal: Embedded,
    pub(super) batcher: Arc<Batcher<Embedded>>,
    /// Ends `thread`; joined once `ended` resolves.
    pub(super) drain: CancellationToken,
    pub(super) thread: JoinHandle<()>,
    pub(super) ended: oneshot::Receiver<()>,
}

/// Everything that runs.
#[derive(Debug)]
pub(super) struct Running {
    pub(super) shutdown: Shutdown,
    pub(super) ops_shutdown: Shutdown,
    pub(super) edge: task::JoinHandle<Report>,
    pub(super) ops: task::JoinHandle<Report>,
    pub(super) counting: Vec<Counting>,
    /// Tasks that run as long as the process; each ends with its name.
    pub(super) tasks: JoinSet<&'static str>,
}

impl Running {
    /// Starts everything. The campaigns are in order, the ports are open.
    pub(super) fn start(
        founded: Vec<Founded>,
        ports: Ports,
        clock: &Arc<dyn Clock>,
    ) -> Result<Self, Failure> {
        let (shutdown, ops_shutdown) = (Shutdown::new(), Shutdown::new());
        let registry = Registry::new();
        let mut tasks = JoinSet::new();
        let (mut campaigns, mut counting, mut watched) = (Vec::new(), Vec::new(), Vec::new());
        for founded in founded {
            let started = start_campaign(founded, clock, &mut tasks)?;
            let metrics = Metrics::new(&started.edge.campaign.id, started.aggregator.clone());
            metrics.and_then(|metrics| registry.register(Box::new(metrics))).map_err(metrics_failed)?;
            watched.push((started.counting.campaign.clone(), started.aggregator.0));
            watched_views(&started);
            campaigns.push(started.edge);
            counting.push(started.counting);
        }
        let options = EdgeOptions {
            limits: Limits::default(),
            clock: Arc::clone(clock),
            shutdown: shutdown.clone(),
            registry: registry.clone(),
        };
        todo!()
    }
}
