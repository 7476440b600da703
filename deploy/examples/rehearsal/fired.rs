//! A cause made for real, and every alert that fired by it: when, and when it cleared.
//!
//! Asked of Prometheus afterwards, so an alert that nobody expected is told like the others. Never
//! here: a time that is not Prometheus's own, but for when a cause began and ended.

use std::time::Duration;

use testkit::wait_for;

use crate::Error;
use crate::watch::{Watch, now_s};

/// Between two looks: rules are evaluated every 5 s.
const LOOK: Duration = Duration::from_secs(1);
/// What has not fired for so long has cleared: an evaluation, and a moment.
const CLEARED_S: f64 = 7.0;

/// A cause that lasts.
pub(crate) struct Cause<'a> {
    watch: &'a Watch,
    what: &'a str,
    began_s: f64,
    expected: &'a [&'static str],
}

impl<'a> Cause<'a> {
    /// It begins now, and these have to fire.
    pub(crate) fn begins(watch: &'a Watch, what: &'a str, expected: &'a [&'static str]) -> Self {
        Self { watch, what, began_s: now_s(), expected }
    }

    /// It began, or will begin, at another time.
    pub(crate) fn at(self, began_s: f64) -> Self {
        Self { began_s, ..self }
    }

    /// Waits until all that are expected fire; at the latest so long after the beginning.
    pub(crate) fn lasts(&self, within: Duration) -> Result<(), Error> {
        self.lasts_by(within, || Ok(()))
    }

    /// The same, doing this at every look, about once a second.
    pub(crate) fn lasts_by(
        &self,
        within: Duration,
        mut each: impl FnMut() -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut done = Ok(());
        wait_for(within, || {
            std::thread::park_timeout(LOOK);
            done = each();
            let firing = self.watch.firing();
            let fires = |name: &&str| firing.iter().any(|one| one == name);
            (done.is_err() || self.expected.iter().all(fires)).then_some(())
        });
        done
    }

    /// It has ended just now: waits until none of those expected fires, and tells it all.
    pub(crate) fn ended(self, clear_within: Duration) {
        let ended_s = now_s();
        wait_for(clear_within, || {
            std::thread::park_timeout(LOOK);
            let firing = self.watch.firing();
            let fires = |name: &&str| firing.iter().any(|one| one == name);
            (!self.expected.iter().any(fires)).then_some(())
        });
        std::thread::park_timeout(Duration::from_secs_f64(CLEARED_S));
        self.tell(ended_s);
    }

    fn tell(&self, ended_s: f64) {
        let (what, now) = (self.what, now_s());
        let firing = "max by (alertname) (ALERTS{alertstate=\"firing\"})";
        let series = self.watch.range(firing, self.began_s.min(now), now);
        let mut rows: Vec<(f64, String)> = Vec::new();
        for one in &series {
            let name = one.labels["alertname"].as_str().unwrap_or_default();
            let (Some(first), Some(last)) = (one.values.first(), one.values.last()) else {
                continue;
            };
            let after = first.0 - self.began_s;
            // That is another cause's.
            if after < LOOK.as_secs_f64() {
                continue;
            }
            let mark = if self.expected.contains(&name) { "" } else { "also " };
            let clears = if now - last.0 < CLEARED_S - LOOK.as_secs_f64() {
                "not yet".to_owned()
            } else if last.0 + 1.0 < ended_s {
                "before that".to_owned()
            } else {
                format!("{:.0} s", last.0 + 1.0 - ended_s)
            };
            rows.push((after, format!("| {what} | {mark}`{name}` | {after:.0} s | {clears} |")));
        }
        for name in self.expected {
            if !rows.iter().any(|(_, row)| row.contains(&format!("`{name}`"))) {
                rows.push((f64::INFINITY, format!("| {what} | `{name}` | not | |")));
            }
        }
        rows.sort_by(|one, other| one.0.total_cmp(&other.0));
        // At once: other causes are told by other threads.
        let rows: Vec<_> = rows.into_iter().map(|(_, row)| row).collect();
        println!("{}\n| | lasted {:.0} s | | |", rows.join("\n"), ended_s - self.began_s);
    }
}
