//! The rounds as a table of medians, and as they are in a file.
//!
//! A ratio is one of medians. Never here: a figure that was not measured; what was not run is a
//! dash.

use benches::{cores, median, ratio, shown};
use serde_json::json;

use crate::Error;
use crate::plan::{Plan, Variant};
use crate::rounds::Round;

/// Writes every round with its plan; where.
pub(crate) fn write(plan: &Plan, rounds: &[Round]) -> Result<String, Error> {
    let seconds = plan.seconds.as_secs_f64();
    let value = json!({ "cores": cores(), "seconds": seconds, "rounds": rounds });
    benches::write("whole-path", &value)
}

/// The table, a line for each variant and number of connections.
pub(crate) fn table(plan: &Plan, rounds: &[Round]) -> String {
    let seconds = plan.seconds.as_secs_f64();
    let mut lines = vec![
        format!("Medians of {} rounds of {seconds} s, {} cores:", plan.rounds, cores()),
        String::new(),
        "| connections | server | requests/s | CPU µs per request | ÷ bare hyper | broker µs \
         | aggregator µs | all ÷ bare hyper | ballots per record |"
            .to_owned(),
        "|---|---|---|---|---|---|---|---|---|".to_owned(),
    ];
    for &connections in &plan.connections {
        let of = |variant| Medians::of(rounds, variant, connections);
        let bare = of(Variant::Bare).map(|medians| medians.server_us);
        for &variant in &plan.variants {
            lines.extend(of(variant).map(|medians| medians.line(variant, connections, bare)));
        }
    }
    lines.join("\n")
}

/// What the rounds of one variant and number of connections say.
#[derive(Debug)]
struct Medians {
    rate: f64,
    server_us: f64,
    broker_us: Option<f64>,
    aggregator_us: Option<f64>,
    ballots_per_record: Option<f64>,
}

impl Medians {
    fn of(rounds: &[Round], variant: Variant, connections: usize) -> Option<Self> {
        let is_of = |round: &&Round| round.variant == variant && round.connections == connections;
        let rounds: Vec<_> = rounds.iter().filter(is_of).collect();
        let median = |figure: &dyn Fn(&Round) -> Option<f64>| {
            median(rounds.iter().filter_map(|round| figure(round)).collect())
        };
        let behind = |round: &Round| round.behind.clone();
        Some(Self {
            rate: median(&|round| ratio(round.answered * 1_000_000, round.micros))?,
            server_us: median(&|round| ratio(round.cpu_us, round.answered))?,
            broker_us: median(&|round| behind(round).and_then(|b| ratio(b.broker_us, b.ballots))),
            aggregator_us: median(&|round| {
                behind(round).and_then(|b| ratio(b.aggregator_us, b.ballots))
            }),
            ballots_per_record: median(&|round| ratio(round.ballots, round.records)),
        })
    }

    fn line(&self, variant: Variant, connections: usize, bare: Option<f64>) -> String {
        let Self { rate, server_us, broker_us, aggregator_us, ballots_per_record } = self;
        let all_us =
            broker_us.zip(*aggregator_us).map(|(broker, counting)| server_us + broker + counting);
        let to_bare = |figure: Option<f64>| shown(figure.zip(bare).map(|(us, bare)| us / bare), 2);
        format!(
            "| {connections} | {} | {rate:.0} | {server_us:.2} | {} | {} | {} | {} | {} |",
            variant.name(),
            to_bare(Some(*server_us)),
            shown(*broker_us, 2),
            shown(*aggregator_us, 3),
            to_bare(all_us),
            shown(*ballots_per_record, 1),
        )
    }
}
