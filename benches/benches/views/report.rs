//! The rounds and windows as tables of medians, and as they are in a file.
//!
//! A ratio is one of medians. Never here: a figure that was not measured; that is a dash.

use benches::{Error, cores, median, ratio, shown};
use serde_json::json;

use crate::plan::{Kind, Plan};
use crate::results::{Results, Round, Window};

/// Writes every round and window with the plan; where.
pub(crate) fn write(plan: &Plan, results: &Results) -> Result<String, Error> {
    benches::write("views", &json!({ "cores": cores(), "plan": plan, "results": results }))
}

/// Both tables.
pub(crate) fn tables(plan: &Plan, results: &Results) -> String {
    let Plan { rounds, seconds, window_seconds, ballots_per_s, .. } = plan;
    let mut lines = vec![
        format!("Views, medians of {rounds} rounds of {seconds} s, {} cores:", cores()),
        String::new(),
        "| connections | what | bytes | edge, answers/s | edge, CPU µs | bare hyper, answers/s \
         | bare hyper, CPU µs | CPU ÷ bare hyper | not as due |"
            .to_owned(),
        "|---|---|---|---|---|---|---|---|---|".to_owned(),
    ];
    for &connections in &plan.connections {
        let of = |kind| cost_line(&results.rounds, kind, connections);
        lines.extend(Kind::ALL.into_iter().map(of));
    }
    lines.extend([
        String::new(),
        format!(
            "{ballots_per_s} ballots a second, medians of {rounds} windows of {window_seconds} s \
             each; views are the page at {} connections:",
            plan.most()
        ),
        String::new(),
        "| ballots | ballots/s | errors | p50 ms | p99 ms | worst ms | of it the sender, p99 ms \
         | views/s | views not as due |"
            .to_owned(),
        "|---|---|---|---|---|---|---|---|---|".to_owned(),
    ]);
    lines.extend(vote_lines(&results.windows, *window_seconds));
    lines.join("\n")
}

/// A kind of request at a number of connections: the edge, bare hyper, and the two compared.
fn cost_line(rounds: &[Round], kind: Kind, connections: usize) -> String {
    let is_of = |round: &&Round| round.kind == kind && round.connections == connections;
    let of: Vec<_> = rounds.iter().filter(is_of).collect();
    let medians = |is_bare| {
        let of = of.iter().filter(|round| round.is_bare == is_bare);
        let cpu = of.clone().filter_map(|round| ratio(round.cpu_us, round.flood.answered));
        let rate =
            of.filter_map(|round| ratio(round.flood.answered * 1_000_000, round.flood.micros));
        (median(rate.collect()), median(cpu.collect()))
    };
    let ((edge_rate, edge_us), (bare_rate, bare_us)) = (medians(false), medians(true));
    let others: u64 = of.iter().map(|round| round.flood.others).sum();
    let bytes = of.first().map_or(0, |round| round.answer_bytes);
    format!(
        "| {connections} | {} | {bytes} | {} | {} | {} | {} | {} | {others} |",
        kind.name(),
        shown(edge_rate, 0),
        shown(edge_us, 2),
        shown(bare_rate, 0),
        shown(bare_us, 2),
        shown(edge_us.zip(bare_us).map(|(edge, bare)| edge / bare), 2),
    )
}

/// Ballots alone, with views beside them, and how many times as long they take then.
fn vote_lines(windows: &[Window], seconds: f64) -> [String; 3] {
    let of = |is_flooded: bool| -> Vec<&Window> {
        windows.iter().filter(|window| window.views.is_some() == is_flooded).collect()
    };
    let (alone, flooded) = (of(false), of(true));
    let p50 = |of: &[&Window]| ms(of, |window| window.p50_us);
    let p99 = |of: &[&Window]| ms(of, |window| window.p99_us);
    let times = |of: &dyn Fn(&[&Window]) -> Option<f64>| {
        of(&flooded).zip(of(&alone)).map(|(flooded, alone)| flooded / alone)
    };
    let line = |name: &str, of: &[&Window]| {
        #[expect(clippy::cast_precision_loss, reason = "nobody casts 2^53 ballots here")]
        let rates = of.iter().map(|window| window.ballots as f64 / seconds);
        let errors: u64 = of.iter().map(|window| window.errors).sum();
        let worst = of.iter().map(|window| window.worst_us).max();
        let floods: Vec<_> = of.iter().filter_map(|window| window.views).collect();
        let views = floods.iter().filter_map(|one| ratio(one.answered * 1_000_000, one.micros));
        let others: u64 = floods.iter().map(|one| one.others).sum();
        format!(
            "| {name} | {} | {errors} | {} | {} | {} | {} | {} | {others} |",
            shown(median(rates.collect()), 0),
            shown(p50(of), 2),
            shown(p99(of), 2),
            shown(worst.and_then(|worst| ratio(worst, 1_000)), 2),
            shown(ms(of, |window| window.late_p99_us), 2),
            shown(median(views.collect()), 0),
        )
    };
    [
        line("alone", &alone),
        line("while views flood", &flooded),
        format!(
            "| flooded ÷ alone | – | – | {} | {} | – | – | – | – |",
            shown(times(&p50), 2),
            shown(times(&p99), 2)
        ),
    ]
}

/// The median of a time over windows.
fn ms(of: &[&Window], time_us: impl Fn(&Window) -> u64) -> Option<f64> {
    median(of.iter().filter_map(|window| ratio(time_us(window), 1_000)).collect())
}
