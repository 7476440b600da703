//! Traces: takes finished spans from the edge and sends them to a collector, in the background.
//!
//! Invariant: a ballot never waits for this. The channel is bounded, spans that do not fit or are
//! not taken are lost and counted, and the end waits 2 s at most. Never here: what a span tells of
//! a ballot, which the edge has decided.

mod spans;

use std::sync::Arc;
use std::time::Duration;

use ingest::trace::{Span, Tracer};
use journal::Clock;
use opentelemetry_http::hyper::HyperClient;
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::trace::SpanExporter as _;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::args::TraceArgs;
use crate::exit::Failure;

/// How many finished requests may wait to be sent; when it is full they are lost. About 1 MiB.
const QUEUE_MAX: usize = 4_096;
/// How many requests are sent at once, each with two spans at most.
const BATCH_MAX: usize = 512;
/// How long requests are gathered before they are sent.
const GATHER: Duration = Duration::from_millis(250);
/// What a collector may take to answer.
const ANSWER_MAX: Duration = Duration::from_secs(5);
/// What the end may take.
const END_MAX: Duration = Duration::from_secs(2);
/// What an address has to be.
const ADDRESS: &str = "give http://host:port";
/// How often losses are told.
const TELL_EVERY: Duration = Duration::from_secs(60);

/// Sends finished spans until it is ended.
#[derive(Debug)]
pub(crate) struct Exporting {
    tracer: Arc<Tracer>,
    end: CancellationToken,
    /// Joined by [`Exporting::end`].
    task: JoinHandle<()>,
}

impl Exporting {
    /// Starts to export, if the flags say so. No collector is asked anything yet.
    pub(crate) fn start(
        args: Option<&TraceArgs>,
        clock: &Arc<dyn Clock>,
    ) -> Result<Option<Self>, Failure> {
        let Some((args, endpoint)) = args.and_then(|args| Some((args, args.endpoint.as_ref()?)))
        else {
            return Ok(None);
        };
        let mut exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(HyperClient::with_default_connector(ANSWER_MAX, None))
            .with_endpoint(address(endpoint)?)
            .with_timeout(ANSWER_MAX)
            .build()
            // What it says may have the address in it.
            .map_err(|_| Failure::configuration(format!("--trace-endpoint: {ADDRESS}")))?;
        exporter.set_resource(&spans::resource());
        let mut seed = [0; 8];
        getrandom::fill(&mut seed)
            .map_err(|error| Failure::internal(format!("no randomness for traces: {error}")))?;
        // Bound: see the constant. When it is full, a span is lost and counted.
        let (sender, finished) = mpsc::channel(QUEUE_MAX);
        let seed = u64::from_le_bytes(seed);
        let tracer = Arc::new(Tracer::new(args.ratio, seed, Arc::clone(clock), sender));
        let end = CancellationToken::new();
        let sending =
            Sending { exporter, finished, tracer: Arc::clone(&tracer), losses: Losses::default() };
        let task = tokio::spawn(sending.run(end.clone()));
        Ok(Some(Self { tracer, end, task }))
    }

    /// What decides which requests are traced.
    pub(crate) fn tracer(&self) -> Arc<Tracer> {
        Arc::clone(&self.tracer)
    }

    /// Sends what is finished, and ends.
    pub(crate) async fn end(mut self) {
        self.end.cancel();
        if timeout(END_MAX, &mut self.task).await.is_err() {
            self.task.abort();
            tracing::warn!("the collector does not answer: the last spans are lost");
        }
    }
}

/// The task of an [`Exporting`].
struct Sending {
    exporter: SpanExporter,
    finished: mpsc::Receiver<Span>,
    tracer: Arc<Tracer>,
    losses: Losses,
}

/// What was not taken by the collector.
#[derive(Debug, Default)]
struct Losses {
    refused: u64,
    why: String,
    /// How many had been lost when it was told last, and when that was.
    told: u64,
    told_at: Option<Instant>,
}

impl Sending {
    async fn run(mut self, end: CancellationToken) {
        let mut batch = Vec::new();
        let mut ending = false;
        while !ending {
            // Biased: the end is never kept waiting; without it each arm has its turn.
            let first = tokio::select! {
                biased;
                () = end.cancelled() => None,
                first = self.finished.recv() => first,
            };
            batch.extend(first);
            // Others may join, unless this is the end. Biased as above.
            ending = tokio::select! {
                biased;
                () = end.cancelled() => true,
                () = sleep(GATHER) => false,
            };
            loop {
                while batch.len() < BATCH_MAX
                    && let Ok(next) = self.finished.try_recv()
                {
                    batch.push(next);
                }
                if batch.is_empty() {
                    break;
                }
                self.send(std::mem::take(&mut batch)).await;
            }
            self.tell(ending);
        }
    }

    async fn send(&mut self, batch: Vec<Span>) {
        let requests = batch.len() as u64;
        let sent = self.exporter.export(batch.iter().flat_map(spans::of).collect()).await;
        if let Err(error) = sent {
            self.losses.refused += requests;
            self.losses.why = error.to_string();
        }
    }

    /// Tells what was lost since the last time, once a minute at most.
    fn tell(&mut self, at_once: bool) {
        let now = Instant::now();
        let Losses { refused, why, told, told_at } = &mut self.losses;
        let (full, lost) = (self.tracer.lost(), *refused + self.tracer.lost());
        let due = told_at.is_none_or(|at| now.duration_since(at) >= TELL_EVERY);
        if lost > *told && (due || at_once) {
            tracing::warn!(lost, full, refused = *refused, "traces of requests were lost: {why}");
            (*told, *told_at) = (lost, Some(now));
        }
    }
}

/// The address that spans are posted to.
///
/// # Errors
/// If it is none that can be posted to from here. It is not told: a password may be in it.
pub(crate) fn address(endpoint: &str) -> Result<String, Failure> {
    let wrong = |fix: &str| Failure::configuration(format!("--trace-endpoint: {fix}"));
    if endpoint.starts_with("https://") {
        return Err(wrong("traces are sent without TLS; give a collector beside this process"));
    }
    let rest = endpoint.strip_prefix("http://");
    let rest = rest.ok_or_else(|| wrong(ADDRESS))?;
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    if host.is_empty() || host.contains(|c: char| c.is_whitespace() || c == '@' || c == '?') {
        return Err(wrong(ADDRESS));
    }
    Ok(format!("http://{host}/{}", if path.is_empty() { "v1/traces" } else { path }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_collector_is_an_address_without_tls_and_its_usual_path_is_known() {
        let good = |given| address(given).unwrap();
        assert_eq!(good("http://otel:4318"), "http://otel:4318/v1/traces");
        assert_eq!(good("http://otel:4318/"), "http://otel:4318/v1/traces");
        assert_eq!(good("http://otel:4318/x/v1/traces"), "http://otel:4318/x/v1/traces");
        for bad in [
            "otel:4318",
            "https://SECRET@otel",
            "http://",
            "http:///x",
            "http://u:SECRET@otel",
            "http//u:SECRET@otel",
            "http://otel?token=SECRET",
            "",
        ] {
            let failure = address(bad).unwrap_err();
            assert!(failure.sentence.starts_with("--trace-endpoint: "), "{failure}");
            assert!(!failure.sentence.contains("SECRET"), "{failure}");
        }
    }
}
