//! What a run shows while it goes: a few lines in a terminal, plain lines elsewhere.
//!
//! Invariant: it shows what the report will hold and nothing else; standard output stays free for
//! results. Never here: a wait, a thread, or an error because nobody reads the terminal.

mod lines;
mod plain;

use std::collections::VecDeque;
use std::io::{self, Write as _};

use hdrhistogram::Histogram;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::record::{Outcome, Record, Second};
use crate::report::{goodput, merged, phases};

/// Latencies are shown of this many seconds: one alone jumps, many hide a change.
const LATENCY_S: usize = 5;
/// As long as the spark line, which fits a terminal of 80 columns.
const SPARK_S: usize = 60;

/// The view of a run.
#[derive(Debug)]
pub struct Live {
    terminal: Option<ProgressBar>,
    plain: plain::Plain,
    seen: Seen,
}

/// What has been seen so far, as far as it is shown.
#[derive(Debug, Default)]
struct Seen {
    seconds: u64,
    acknowledged: u64,
    counted: Option<u64>,
    lag: Option<u64>,
    latencies: VecDeque<Histogram<u64>>,
    /// Wanted and acknowledged, the newest last.
    rates: VecDeque<(u64, u64)>,
}

impl Seen {
    fn add(&mut self, second: &Second, lag: Option<u64>) {
        let acknowledged = second.outcomes[Outcome::Acknowledged as usize];
        self.seconds += 1;
        self.acknowledged += acknowledged;
        // A look at the tally can fail; what it showed before still holds.
        self.counted = second.counted.or(self.counted);
        self.lag = lag;
        push(&mut self.latencies, second.latency_us.clone(), LATENCY_S);
        push(&mut self.rates, (second.wanted, acknowledged), SPARK_S);
    }

    fn latency(&self) -> Histogram<u64> {
        merged(self.latencies.iter())
    }
}

/// Adds to a queue that holds the newest only.
fn push<T>(queue: &mut VecDeque<T>, newest: T, most: usize) {
    if queue.len() >= most {
        drop(queue.pop_front());
    }
    queue.push_back(newest);
}

impl Live {
    /// A view on standard error, which is a terminal or not.
    #[must_use]
    pub fn new(is_terminal: bool) -> Self {
        let terminal = is_terminal.then(|| {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            let style = ProgressStyle::with_template("{msg}");
            style.map_or_else(|_| bar.clone(), |style| bar.clone().with_style(style))
        });
        Self { terminal, plain: plain::Plain::default(), seen: Seen::default() }
    }

    /// Shows a second that has passed; `lag` is what the aggregator has not folded yet.
    pub fn second(&mut self, second: &Second, lag: Option<u64>) {
        self.seen.add(second, lag);
        match &self.terminal {
            Some(bar) => bar.set_message(lines::live(&self.seen, second).join("\n")),
            None => {
                if let Some(line) = self.plain.second(second, lag) {
                    say(&line);
                }
            }
        }
    }

    /// A line of the run's own, above the view.
    pub fn line(&self, text: &str) {
        match &self.terminal {
            Some(bar) => bar.println(text),
            None => say(text),
        }
    }

    /// Ends the view, and says what came of the run.
    pub fn end(&mut self, record: &Record) {
        let sums = phases(record);
        if let Some(goodput) = goodput(&sums) {
            sums.iter().for_each(|sum| self.line(&lines::phase(sum)));
            let percent = goodput * 100.0;
            self.line(&format!("acknowledged in the fullest phase: {percent:.1} % of the best"));
        }
        match &self.terminal {
            Some(bar) => {
                bar.finish_and_clear();
                say(&lines::end(record).join("\n"));
            }
            None => {
                if let Some(line) = self.plain.rest() {
                    say(&line);
                }
                say(&plain::end(record));
            }
        }
    }
}

fn say(text: &str) {
    // Nobody reads it: the run goes on, and its reports are written elsewhere.
    drop(writeln!(io::stderr().lock(), "{text}"));
}
