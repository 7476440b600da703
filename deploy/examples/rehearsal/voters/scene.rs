//! A Weir of its own for one cause, and what Prometheus said of it: when its alerts fired after the
//! cause began, and when they were over after its end.
//!
//! Invariant: an alert counts only with the labels of this Weir or its campaign. Never here: a
//! cause.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use testkit::wait_for;

use crate::Error;
use crate::files::{built, campaign, text};
use crate::watch::{Watch, now_s};
use crate::weir::Weir;

use super::between::Between;
use super::people::People;

const OPEN_FOR: Duration = Duration::from_hours(6 * 24);
const FIRES_WITHIN: Duration = Duration::from_mins(8);
/// The longest window is ten minutes; so long is a day's quota not asked for again, too.
const CLEARS_WITHIN: Duration = Duration::from_mins(13);
const SAID_WITHIN: Duration = Duration::from_mins(1);

/// What goes wrong: in words, the alerts that it is to fire, and what is done how often until they
/// do.
pub(super) struct Cause<'a> {
    pub(super) told: &'a str,
    pub(super) alerts: &'a [&'a str],
    pub(super) every: Duration,
    pub(super) step: &'a (dyn Fn() -> Result<(), Error> + Sync),
}

/// A Weir, its people, and who may stand between it and WeChat.
#[derive(Debug)]
pub(super) struct Scene {
    pub(super) weir: Weir,
    pub(super) people: People,
    pub(super) between: Option<Between>,
    /// Host and port of the imitation of WeChat, if there is one.
    pub(super) imitation: String,
    id: &'static str,
    file: String,
    data: String,
    log: PathBuf,
}

impl Scene {
    /// Names a Weir, with what its command has besides.
    pub(super) fn new(folder: &Path, id: &'static str, more: &str) -> Result<Self, Error> {
        let file = campaign(folder, id, OPEN_FOR)?;
        // Who follows is asked of nobody: what is called is the exchange of codes alone.
        let open = fs::read_to_string(&file)?.replace("followers_only = true", "");
        fs::write(&file, open)?;
        let data = text(&folder.join(format!("{id}.data")));
        let command = ["up", "--data", &data, "--campaign", &file, "--partitions", "1"];
        let proxy = ["--trusted-proxies", "127.0.0.1/32"];
        let all = command.into_iter().chain(proxy).chain(more.split_whitespace());
        let command = [built("weir")?].into_iter().chain(all.map(str::to_owned)).collect();
        let mut weir = Weir::new(id, "weir-up", command, folder);
        let between = more.contains("wechat-imitation").then(Between::start).transpose()?;
        if let Some(between) = &between {
            let leads = between.leads();
            weir.start_by(&leads.iter().map(String::as_str).collect::<Vec<_>>());
        }
        let people = People::new(&weir.api, id);
        let log = folder.join(format!("{id}.log"));
        Ok(Self { weir, people, between, imitation: String::new(), id, file, data, log })
    }

    /// Starts it, with so many voters who have a token.
    pub(super) fn start(&mut self, voters: usize) -> Result<(), Error> {
        self.weir.start()?;
        if let Some(between) = &self.between {
            let said = wait_for(SAID_WITHIN, || {
                let log = fs::read_to_string(&self.log).ok()?;
                let (_, from) = log.split_once("WeChat is imitated at http://")?;
                from.split_once("/imitation").map(|(address, _)| address.to_owned())
            });
            self.imitation = said.ok_or("the imitation does not say where it is")?;
            between.lead_to(&self.imitation);
        }
        if voters > 0 { self.people.register(&self.file, &self.data, voters) } else { Ok(()) }
    }

    /// Makes a cause, ends it once its alerts fire, and tells when they fired and when they were
    /// over. `end` answers when it ended, which may have been before.
    pub(super) fn rehearses(&self, watch: &Watch, cause: &Cause<'_>, end: impl FnOnce() -> f64) {
        let began = now_s();
        let wait = || self.times(watch, cause.alerts, true, FIRES_WITHIN);
        let fired = meanwhile(cause.every, cause.step, wait);
        let ended = end();
        let over = self.times(watch, cause.alerts, false, CLEARS_WITHIN);
        for ((alert, fired), over) in cause.alerts.iter().zip(fired).zip(over) {
            let after = |at: Option<f64>, from: f64| {
                at.map_or("not".to_owned(), |at| format!("{:.0} s", at - from))
            };
            let (fires, clears) = (after(fired, began), after(over, ended));
            println!("| {} | `{alert}` | {fires} | {clears} |", cause.told);
        }
    }

    /// When each of these alerts began to fire, or no longer did.
    fn times(
        &self,
        watch: &Watch,
        alerts: &[&str],
        is_to_fire: bool,
        within: Duration,
    ) -> Vec<Option<f64>> {
        let mut at = vec![None; alerts.len()];
        wait_for(within, || {
            for (alert, at) in alerts.iter().zip(&mut at) {
                if at.is_none() && self.fires(watch, alert) == is_to_fire {
                    *at = Some(now_s());
                }
            }
            // A question every 20 ms and scene would be a load of its own.
            thread::park_timeout(Duration::from_millis(500));
            at.iter().all(Option::is_some).then_some(())
        });
        at
    }

    fn fires(&self, watch: &Watch, alert: &str) -> bool {
        let (id, instance) = (self.id, &self.weir.ops);
        let of = |label| format!("ALERTS{{alertstate=\"firing\",alertname=\"{alert}\",{label}}}");
        let of_campaign = of(format!("campaign=\"{id}\""));
        let of_instance = of(format!("instance=\"{instance}\""));
        watch.number(&format!("{of_campaign} or {of_instance}")).is_some()
    }
}

/// Does something again and again, as often as said, until the rest is done.
pub(super) fn meanwhile<T>(
    every: Duration,
    step: impl Fn() -> Result<(), Error> + Sync,
    rest: impl FnOnce() -> T,
) -> T {
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut next = now_s();
            while !is_over.load(Ordering::SeqCst) {
                if let Err(error) = step() {
                    eprintln!("meanwhile: {error}");
                }
                next += every.as_secs_f64();
                let left = Duration::try_from_secs_f64(next - now_s()).unwrap_or_default();
                thread::park_timeout(left);
            }
        });
        let _over = Over(&is_over);
        rest()
    })
}

/// Says that it is over, also where a thread panics that others would wait for.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}
