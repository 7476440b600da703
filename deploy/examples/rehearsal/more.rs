//! The alerts that `alerts` leaves out, each fired by its cause, made for real, and cleared.
//!
//! Needs what `alerts` needs. Causes that do not disturb each other are made at once, each in a
//! Weir of its own; most of the time is spent waiting. A second argument names parts, with
//! commas between: disk, connections, starved, rights, close, night, slow, brokers.

use std::sync::Arc;
use std::thread;

use testkit::Kafka;

use crate::Error;
use crate::site::JAVA_OPTIONS;
use crate::{more_alone, more_brokers, more_close, more_counting};

type Part = fn(&Arc<Kafka>) -> Result<(), Error>;

/// Those that share a Kafka and leave it as it is.
const TOGETHER: [(&str, Part); 4] = [
    ("starved", more_counting::starved),
    ("rights", more_counting::rights),
    ("close", more_close::close),
    ("night", more_close::night),
];

/// Runs the part.
pub(crate) fn run() -> Result<(), Error> {
    let only = std::env::args().nth(2);
    let is_wanted =
        |part: &str| only.as_deref().is_none_or(|only| only.split(',').any(|one| one == part));
    println!("| cause | alert | fires after | clears after |");
    println!("|---|---|---|---|");
    thread::scope(|scope| {
        let mut running = Vec::new();
        if is_wanted("disk") {
            running.push(("disk", scope.spawn(more_alone::disk)));
        }
        if is_wanted("connections") {
            running.push(("connections", scope.spawn(more_alone::connections)));
        }
        let mut done = Vec::new();
        if TOGETHER.iter().any(|(name, _)| is_wanted(name)) || is_wanted("slow") {
            done.push(("kafka", on_one_broker(&is_wanted)));
        }
        if is_wanted("brokers") {
            done.push(("brokers", more_brokers::run()));
        }
        done.extend(running.into_iter().map(|(name, part)| (name, joined(part))));
        all(done)
    })
}

fn on_one_broker(is_wanted: &dyn Fn(&str) -> bool) -> Result<(), Error> {
    // Whoever has no rule may do all; `rights` makes some.
    let authorizer = "org.apache.kafka.metadata.authorizer.StandardAuthorizer";
    let kafka = Kafka::builder(1)
        .java_options(&JAVA_OPTIONS)
        .property("authorizer.class.name", authorizer)
        .property("allow.everyone.if.no.acl.found", "true");
    let kafka = Arc::new(kafka.try_start()?);
    let parts: Vec<_> = TOGETHER.into_iter().filter(|(name, _)| is_wanted(name)).collect();
    thread::scope(|scope| {
        let kafka = &kafka;
        let spawn = |(name, part): (&'static str, Part)| (name, scope.spawn(move || part(kafka)));
        let running: Vec<_> = parts.into_iter().map(spawn).collect();
        all(running.into_iter().map(|(name, part)| (name, joined(part))).collect())
    })?;
    if is_wanted("slow") { more_brokers::slow(&kafka) } else { Ok(()) }
}

fn joined(part: thread::ScopedJoinHandle<'_, Result<(), Error>>) -> Result<(), Error> {
    part.join().unwrap_or_else(|_| Err("it panicked".into()))
}

/// Every failure by its part, and not the first only: the others took as long.
fn all(done: Vec<(&str, Result<(), Error>)>) -> Result<(), Error> {
    let failed = done.into_iter().filter_map(|(name, done)| Some((name, done.err()?)));
    let failed: Vec<_> = failed.map(|(name, error)| format!("{name}: {error}")).collect();
    if failed.is_empty() { Ok(()) } else { Err(failed.join("; ").into()) }
}
