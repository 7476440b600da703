//! A campaign that is open now, as an operator has it: a file, keys, a directory; its voters with
//! their tokens; and the commands of the real binary on it.
//!
//! Invariant: voters of the preload and those who vote over HTTP have nobody in common.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use ballot::{Ballot, Campaign, Day, Token, TokenKeys, hex, local_date};
use benches::{Ballots, Error};
use journal::{Clock as _, SystemClock};
use tempfile::TempDir;
use testkit::free_ports;

use crate::plan::{PARTITIONS, Plan};
use crate::server::Server;

/// The real first campaign.
const FILE: &str = include_str!("../../../campaigns/hubei-2023.toml");
const ZONE: &str = "Asia/Shanghai";
const DAY_MS: i64 = 86_400_000;
/// Secrets of this bench only.
const PSEUDONYM_KEY: [u8; 32] = [0x5a; 32];
const TOKEN_KEY: [u8; 32] = [0xa5; 32];
/// Seeds of voters: see [`Ballots`].
const PRELOADED: u64 = 1;
const VOTING: u64 = 2;

/// The files of one run.
#[derive(Debug)]
pub(crate) struct Site {
    dir: TempDir,
    binary: PathBuf,
    pub(crate) id: String,
    pub(crate) campaign: String,
    pub(crate) keys: String,
    pub(crate) data: String,
    tokens: TokenKeys,
    days: Vec<Day>,
    /// Started so far; numbers their logs.
    servers: AtomicU32,
}

impl Site {
    pub(crate) fn new(plan: &Plan) -> Result<Self, Error> {
        let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
        let path = |name: &str| dir.path().join(name).display().to_string();
        let (campaign, keys, data) = (path("campaign.toml"), path("keys.toml"), path("data"));
        let text = campaign_toml(plan, SystemClock.now_ms())?;
        fs::write(&campaign, &text)?;
        let parsed = Campaign::parse(&text)?;
        let (key, secret) = (hex(&PSEUDONYM_KEY), hex(&TOKEN_KEY));
        fs::write(
            &keys,
            format!("pseudonym_key = \"{key}\"\n[[token_keys]]\nid = 1\nsecret = \"{secret}\"\n"),
        )?;
        let tokens = TokenKeys::new(&parsed.id, &[(1, TOKEN_KEY)])?;
        let (days, id, binary) = (parsed.days(), parsed.id, plan.binary.clone());
        Ok(Self { dir, binary, id, campaign, keys, data, tokens, days, servers: AtomicU32::new(0) })
    }

    /// Runs a command to its end and answers what it printed.
    pub(crate) fn run(&self, args: &[&str]) -> Result<Vec<u8>, Error> {
        let mut command = Command::new(&self.binary);
        command.args(args).env_remove("RUST_LOG").stdin(Stdio::null());
        let ran = command.output()?;
        if ran.status.success() {
            return Ok(ran.stdout);
        }
        let said = String::from_utf8_lossy(&ran.stderr);
        Err(format!("weir {}: {}: {said}", args.join(" "), ran.status).into())
    }

    /// Two free ports, for the servers of one after the other.
    pub(crate) fn ports() -> [String; 2] {
        let mut ports = free_ports(2).into_iter().map(|port| format!("127.0.0.1:{port}"));
        [ports.next().unwrap_or_default(), ports.next().unwrap_or_default()]
    }

    /// Starts a command that serves at these addresses; its log is a file of its own.
    pub(crate) fn serve(&self, args: &[&str], ports: &[String; 2]) -> Result<Server, Error> {
        // Relaxed: only uniqueness is wanted, nothing is published with the number.
        let number = self.servers.fetch_add(1, Ordering::Relaxed);
        let log = self.dir.path().join(format!("{}-{number}.log", args[0]));
        Server::spawn(&self.binary, args, ports, log)
    }

    /// The path of the tally on any server.
    pub(crate) fn tally(&self) -> String {
        format!("/v1/campaigns/{}/tally", self.id)
    }

    /// The ballots that are there before anything is killed: cast evenly from the start of today to
    /// now.
    pub(crate) fn preloaded(&self, count: u64) -> impl Iterator<Item = Ballot> + use<> {
        let now_ms = SystemClock.now_ms();
        let is_today = |day: &Day| (day.start_ms..day.end_ms).contains(&now_ms);
        let today = self.days.iter().find(|day| is_today(day));
        let began_ms = today.map_or(now_ms, |day| day.start_ms);
        let passed_ms = u64::try_from(now_ms - began_ms).unwrap_or(0);
        let ballots = (0..count).zip(Ballots::new(PRELOADED, 0));
        ballots.map(move |(place, ballot)| {
            let after_ms = u128::from(passed_ms) * u128::from(place) / u128::from(count);
            let cast_at_ms = began_ms + i64::try_from(after_ms).unwrap_or(0);
            Ballot { cast_at_ms, ..ballot }
        })
    }

    /// The request that casts a ballot.
    pub(crate) fn request(&self, ballot: &Ballot) -> String {
        let Ballot { voter, choices, .. } = *ballot;
        let token = self.tokens.mint(&Token {
            voter,
            follower: true,
            fresh: false,
            expires_at_s: u64::MAX,
        });
        let numbers: Vec<_> = choices.iter().map(|number| number.to_string()).collect();
        let body = format!("{{\"choices\":[{}]}}", numbers.join(","));
        format!(
            "POST /v1/campaigns/{}/ballots HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer \
             {token}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            self.id,
            body.len()
        )
    }
}

/// Those who vote over HTTP: of one partition after the other, for ever.
pub(crate) fn voting() -> impl Iterator<Item = Ballot> + Send {
    let mut ballots = Ballots::new(VOTING, 0);
    (0..PARTITIONS).cycle().map(move |partition| {
        let fits = |ballot: &Ballot| ballot.voter.partition(PARTITIONS) == partition;
        ballots.find(fits).expect("ballots never end")
    })
}

/// The real campaign, started yesterday, with room for the voters of this run.
fn campaign_toml(plan: &Plan, now_ms: i64) -> Result<String, Error> {
    let date = |days| local_date(ZONE, now_ms + days * DAY_MS).ok_or("the clock is of no use");
    let voters_max = plan.ballots + plan.ballots / 5 + 100_000;
    let mut text = String::new();
    for line in FILE.lines() {
        text.push_str(&match line.split_once(" = ") {
            Some(("opens_at", _)) => format!("opens_at = {}T10:00:00", date(-1)?),
            Some(("closes_at", _)) => format!("closes_at = {}T17:00:00", date(5)?),
            Some(("zone", _)) => format!("{line}\nvoters_per_day_max = {voters_max}"),
            Some(_) | None => line.to_owned(),
        });
        text.push('\n');
    }
    Ok(text)
}
