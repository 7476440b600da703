//! The flags of traces, of the processes that take ballots.

use clap::Args;

/// Whether ballots are traced, and where that is told.
#[derive(Debug, Clone, Args)]
pub(crate) struct TraceArgs {
    /// Where spans of ballots go, as OpenTelemetry's OTLP over HTTP: the address of a collector,
    /// http://host:4318. Not given: nothing is traced
    #[arg(long = "trace-endpoint", value_name = "URL")]
    pub(crate) endpoint: Option<String>,
    /// The share of ballots without a `traceparent` that is traced, 0 to 1; one with a sampled
    /// `traceparent` always is, up to 100 a second
    #[arg(long = "trace-ratio", value_name = "SHARE", default_value = "0.01", value_parser = share)]
    pub(crate) ratio: f64,
}

fn share(text: &str) -> Result<f64, String> {
    let share = text.parse().ok().filter(|share| (0.0..=1.0).contains(share));
    share.ok_or_else(|| "give a share from 0 to 1, such as 0.01".to_owned())
}
