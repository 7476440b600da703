//! A spike that one small aggregator cannot keep up with: when the lag would be gone by its own
//! estimate, and when it was.
//!
//! The fold is too fast to fall behind here, so the aggregator gets less than a hundredth of a
//! core, through a control group as a container would. That needs root and control groups of
//! version 1.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use testkit::wait_for;

use crate::Error;
use crate::files::{campaign, folder};
use crate::load::Load;
use crate::site::Site;
use crate::steps::proved;
use crate::watch::now_s;

const RATE: u64 = 6_000;
const SECONDS: u64 = 120;
/// Of each 150 ms: a control group gives 1 ms at the least, and with that it may lose its place.
const QUOTA_US: u32 = 1_500;
const PERIOD_MS: u32 = 150;

const LAG: &str = "sum(weir_partition_lag_records)";

/// Runs the part.
pub(crate) fn run() -> Result<(), Error> {
    let folder = folder("drain")?;
    // So that its close, with counting behind, is due as well.
    let campaign = campaign(&folder, "rehearsal", Duration::from_mins(55))?;
    let site = Site::on(folder, campaign, (2, 1), &[])?;
    let quota = Quota::new(QUOTA_US, PERIOD_MS)?;
    quota.hold(site.aggregators[0].pid().ok_or("the aggregator does not run")?)?;
    let from = now_s();
    let load = Load::start(&site, "promotion", RATE, SECONDS)?;
    proved(&load.finish()?);
    // The next look at the lag says what the tally said already.
    let gone = || site.watch.number(LAG).filter(|lag| *lag == 0.0);
    wait_for(Duration::from_mins(2), gone).ok_or("still behind two minutes after the proof")?;
    // Two scrapes more, so that the range ends behind that.
    std::thread::park_timeout(Duration::from_secs(3));
    let until = now_s();
    let waited = site.watch.highest("max(weir_partition_lag_seconds)", from, until);
    println!("the oldest record waited {:.0} s", waited.unwrap_or_default());
    for alert in ["WeirCountingBehind", "WeirCloseWithLag"] {
        let fired = format!("ALERTS{{alertname=\"{alert}\",alertstate=\"firing\"}}");
        let fired = site.watch.range(&fired, from, until);
        let times: Vec<_> = fired.iter().flat_map(|one| &one.values).map(|(at, _)| at).collect();
        match (times.first(), times.last()) {
            (Some(first), Some(last)) => {
                println!(
                    "{alert} fired {:.0} s after the start, until {:.0} s",
                    *first - from,
                    *last - from
                );
            }
            (None, _) | (_, None) => println!("{alert} did not fire"),
        }
    }
    let lag = site.watch.range(LAG, from, until);
    let lag = lag.first().map(|one| one.values.clone()).unwrap_or_default();
    // Partitions of a starved aggregator drain one after another: while one of them still grows,
    // its own estimate, and the highest of all, is infinite. All together are steadier.
    let of_first = |expression: &str| {
        let found = site.watch.range(expression, from, until);
        found.into_iter().next().map(|one| one.values).unwrap_or_default()
    };
    let metric = of_first("max(weir_partition_drain_seconds)");
    // What dashboards and the runbook go by.
    let whole = of_first("max(campaign:weir_drain_seconds:deriv30s)");
    let peak =
        lag.iter().copied().fold((0.0, 0.0), |peak, one| if one.1 > peak.1 { one } else { peak });
    let gone = lag.iter().find(|(at, lag)| *at > peak.0 && *lag == 0.0).ok_or("still behind")?.0;
    println!("lag at its highest: {} records, {:.0} s after the start", peak.1, peak.0 - from);
    println!("| after the peak | lag | estimate, slowest partition | all together | gone in |");
    println!("|---|---|---|---|---|");
    for (at, records) in lag.iter().filter(|(at, _)| *at >= peak.0 && *at <= gone).step_by(5) {
        let said = |estimate: &[(f64, f64)]| {
            let said = estimate.iter().find(|(time, _)| time == at);
            said.map_or("not known".to_owned(), |(_, s)| format!("{s:.0} s"))
        };
        let (metric, whole) = (said(&metric), said(&whole));
        println!("| {:.0} s | {records} | {metric} | {whole} | {:.0} s |", at - peak.0, gone - at);
    }
    drop(quota);
    site.stop()
}

/// A control group with a share of a core.
pub(crate) struct Quota(PathBuf);

impl Quota {
    /// So many microseconds of each so many milliseconds.
    pub(crate) fn new(quota_us: u32, period_ms: u32) -> Result<Self, Error> {
        let group = PathBuf::from("/sys/fs/cgroup/cpu").join("weir-rehearsal");
        let told = |error| format!("{}: {error}; this part needs root", group.display());
        if !group.exists() {
            fs::create_dir(&group).map_err(told)?;
        }
        let set = |name: &str, us: u32| fs::write(group.join(name), us.to_string()).map_err(told);
        set("cpu.cfs_period_us", period_ms * 1_000)?;
        set("cpu.cfs_quota_us", quota_us)?;
        Ok(Self(group))
    }

    /// Puts a process into it.
    pub(crate) fn hold(&self, pid: u32) -> Result<(), Error> {
        Ok(fs::write(self.0.join("cgroup.procs"), pid.to_string())?)
    }
}

impl Drop for Quota {
    fn drop(&mut self) {
        // Without a limit the processes in it end as they would otherwise; then it can go.
        drop(fs::write(self.0.join("cpu.cfs_quota_us"), "-1"));
        let processes = fs::read_to_string(self.0.join("cgroup.procs")).unwrap_or_default();
        for pid in processes.lines() {
            drop(fs::write("/sys/fs/cgroup/cpu/cgroup.procs", pid));
        }
        drop(fs::remove_dir(&self.0));
    }
}
