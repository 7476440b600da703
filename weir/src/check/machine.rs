//! What the machine gives a process: ports, open files, and memory for the sets of who has voted.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use ballot::Campaign;
use ingest::server::Limits;

use super::report::Report;
use super::units::{bytes, many};
use super::{Subject, owner};
use crate::process::{Ports, connections_max, raise_descriptors};

/// What a voter of a day takes at most, in a set that grows (docs/performance.md).
const VOTER_BYTES: u64 = 32;

pub(super) async fn look(report: &mut Report, subject: &Subject<'_>, campaigns: &[Campaign]) {
    port(report, "--listen", subject.listen).await;
    port(report, "--ops-listen", subject.ops_listen).await;
    if subject.listen == subject.ops_listen && subject.listen.port() != 0 {
        let failure = crate::exit::Failure::configuration("--listen and --ops-listen are the same");
        report.failed("--ops-listen", &failure, "give it a port of its own");
    }
    descriptors(report);
    if subject.counts {
        memory(report, campaigns);
    }
}

async fn port(report: &mut Report, flag: &str, address: SocketAddr) {
    match Ports::try_one(flag, address).await {
        Ok(()) if address.port() == 0 => {
            report.ok(flag, format!("{}: any free port is taken", address.ip()));
        }
        Ok(()) => report.ok(flag, format!("{address} is free")),
        Err(mut failure) => {
            if let Some((name, id)) = owner::of(address) {
                let who = format!("{name}, process {id}, listens there");
                failure.sentence = failure.sentence.replace("another process listens there", &who);
            }
            report.failed(flag, &failure, "give another address or port");
        }
    }
}

fn descriptors(report: &mut Report) {
    // A process raises its own limit in the same way when it starts.
    let (limit, wanted) = (raise_descriptors(), Limits::default().connections_max);
    let connections = connections_max(limit, wanted);
    let found = format!("{limit} files may be open: {connections} connections of {wanted} wanted");
    if connections < wanted {
        let fix = "raise nofile (LimitNOFILE of systemd, --ulimit nofile of containers)";
        report.warning("open files", found, fix);
    } else {
        report.ok("open files", found);
    }
}

fn memory(report: &mut Report, campaigns: &[Campaign]) {
    let voters = campaigns.iter().map(|campaign| campaign.voters_per_day_max);
    let voters = voters.fold(0, u64::saturating_add);
    let needed = voters.saturating_mul(VOTER_BYTES);
    let (of, needs) = (many(voters), bytes(needed));
    match available() {
        None => report.ok("memory", format!("{of} voters a day take up to {needs}")),
        Some(available) if available < needed => {
            let found = format!(
                "{} available; {of} voters a day take up to {needs} if this process counts alone",
                bytes(available)
            );
            let fix = "give it more memory, count in more processes, or set voters_per_day_max \
                       to what may come";
            report.warning("memory", found, fix);
        }
        Some(available) => {
            let available = bytes(available);
            report.ok(
                "memory",
                format!("{available} available; {of} voters a day take up to {needs}"),
            );
        }
    }
}

/// The memory that this process could still have: the machine's, or less if it is confined.
fn available() -> Option<u64> {
    let table = fs::read_to_string("/proc/meminfo").ok()?;
    let line = table.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let free: u64 = line.trim().trim_end_matches(" kB").parse().ok()?;
    Some(confined().map_or(free * 1_024, |left| left.min(free * 1_024)))
}

/// What is left of the limits of its control groups (version 2).
fn confined() -> Option<u64> {
    let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
    let path = groups.lines().find_map(|line| line.strip_prefix("0::/"))?;
    let group = Path::new("/sys/fs/cgroup").join(path);
    let number = |path: &Path, file| fs::read_to_string(path.join(file)).ok()?.trim().parse().ok();
    let left = group.ancestors().take_while(|path| path.starts_with("/sys/fs/cgroup")).filter_map(
        |path| {
            let (max, current): (u64, u64) =
                (number(path, "memory.max")?, number(path, "memory.current")?);
            Some(max.saturating_sub(current))
        },
    );
    left.min()
}
