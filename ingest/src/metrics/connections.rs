//! What a process shows of its listeners' connections.
//!
//! The listeners count by themselves; here it is only read, when somebody asks.

use std::sync::Arc;

use prometheus::{IntCounterVec, IntGaugeVec, Opts, Registry};

use super::{
    CONNECTION_EVENTS, CONNECTIONS, CONNECTIONS_MAX, EVENT, EVENTS, LISTENER, Pulled, Reading,
    whole,
};
use crate::server::{Counters, Limits};

/// A listener whose connections are shown.
#[derive(Debug)]
pub struct Watched<'a> {
    /// Its name.
    pub listener: &'a str,
    /// What bounds it.
    pub limits: &'a Limits,
    /// What it counts.
    pub counters: &'a Arc<Counters>,
}

/// Has the connections of a process's listeners shown.
///
/// # Errors
/// If they are registered already.
pub fn watch_connections(
    registry: &Registry,
    listeners: &[Watched<'_>],
) -> Result<(), prometheus::Error> {
    let gauge = |name, help| IntGaugeVec::new(Opts::new(name, help), &[LISTENER]);
    let open = gauge(CONNECTIONS, "Connections open.")?;
    let open_max = gauge(CONNECTIONS_MAX, "The most there may be.")?;
    registry.register(Box::new(open_max.clone()))?;
    let opts = Opts::new(CONNECTION_EVENTS, "What happened to connections.");
    let events = IntCounterVec::new(opts, &[LISTENER, EVENT])?;
    let mut readings: Vec<Reading> = Vec::new();
    for Watched { listener, limits, counters } in listeners {
        open_max.with_label_values(&[listener]).set(whole(limits.connections_max));
        let open = open.with_label_values(&[listener]);
        let shown = EVENTS.map(|event| events.with_label_values(&[*listener, event]));
        let counters = Arc::clone(counters);
        readings.push(Box::new(move || {
            let counts = counters.snapshot();
            open.set(whole(counts.active));
            let counts = [
                counts.accepted,
                counts.refused_at_cap,
                counts.accept_errors,
                counts.closed_idle,
                counts.closed_first_request,
            ];
            for (shown, count) in shown.iter().zip(counts) {
                shown.inc_by(count.saturating_sub(shown.get()));
            }
        }));
    }
    let families = vec![Box::new(open) as _, Box::new(events) as _];
    registry.register(Box::new(Pulled::new(families, readings)))
}
