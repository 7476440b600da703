//! Each alert fired by its cause, made for real, and cleared: the times are from the cause, and
//! from its end, to what Prometheus says, scraping every 5 s as in production.
//!
//! Needs root (a mount, a control group), libfaketime and kcat. Takes three quarters of an hour:
//! most causes have to last. A second argument names one part: processes, choices, counting, kafka
//! or log.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;
use std::time::Duration;

use testkit::wait_for;

use crate::Error;
use crate::files::{built, campaign, folder, text};
use crate::load::Load;
use crate::mount::Mount;
use crate::site::Site;
use crate::watch::now_s;
use crate::weir::Weir;

/// A quiet night: 40,000 votes in five minutes, of which a few thousand are a share to see.
const RATE: u64 = 25;
/// While processes, choices and counting are rehearsed.
const LOAD: Duration = Duration::from_mins(25);
/// A share is compared with what was before the last five minutes.
const HISTORY: Duration = Duration::from_mins(7);
/// The close is so far off that its alert is due when counting is behind.
const OPEN_FOR: Duration = Duration::from_mins(58);
const FIRES_WITHIN: Duration = Duration::from_mins(6);
const CLEARS_WITHIN: Duration = Duration::from_mins(8);
/// Debian's libfaketime.
pub(crate) const FAKETIME: &str = "LD_PRELOAD=/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1";

/// What is rehearsed with.
struct Stage {
    site: Site,
    up: Weir,
    disk: Mount,
}

/// Runs the part.
pub(crate) fn run() -> Result<(), Error> {
    let folder = folder("alerts")?;
    let own = campaign(&folder, "alone", OPEN_FOR)?;
    let small = fs::read_to_string(&own)?.replacen("zone =", "voters_per_day_max = 600\nzone =", 1);
    fs::write(&own, small)?;
    let disk = Mount::new(&folder.join("disk"))?;
    let data = text(&disk.0.join("data"));
    let command = ["up", "--data", &data, "--campaign", &own, "--partitions", "1"];
    let command = [built("weir")?].into_iter().chain(command.map(str::to_owned)).collect();
    let mut up = Weir::new("up", "weir-up", command, &folder);
    let other = [(up.job, up.ops.as_str())];
    let voted = campaign(&folder, "rehearsal", OPEN_FOR)?;
    let mut site = Site::on(folder, voted, (2, 1), &other)?;
    site.balance()?;
    up.start()?;
    let mut stage = Stage { site, up, disk };
    println!("| cause | alert | fires after | clears after |");
    println!("|---|---|---|---|");
    let load = Load::start(&stage.site, "steady", RATE, LOAD.as_secs())?;
    let only = std::env::args().nth(2);
    let is_wanted = |part: &str| only.as_deref().is_none_or(|only| only == part);
    if is_wanted("processes") {
        stage.of_one_process()?;
    }
    if is_wanted("choices") {
        stage.of_choices()?;
    }
    if is_wanted("counting") {
        stage.of_counting()?;
    }
    // It has not voted alone, so it has nothing to prove.
    drop(load);
    if is_wanted("kafka") {
        stage.of_kafka()?;
    }
    if is_wanted("log") {
        stage.of_the_log()?;
    }
    stage.up.stop()?;
    drop(stage.disk);
    stage.site.stop()
}

impl Stage {
    /// What concerns one process: its clock, its disk, its voters, its being there.
    fn of_one_process(&mut self) -> Result<(), Error> {
        let off = ["env", FAKETIME, "DONT_FAKE_MONOTONIC=1", "FAKETIME=+1.5s"];
        self.restart_by(&off, "an edge's clock is 1.5 s off", &["WeirClockOff"])?;
        let off = ["env", FAKETIME, "DONT_FAKE_MONOTONIC=1", "FAKETIME=+4s"];
        let expected = ["WeirClockRefused", "WeirClockOff", "WeirNotReady"];
        self.restart_by(&off, "an edge's clock is 4 s off", &expected)?;
        let file = self.disk.0.join("filler");
        let began = now_s();
        // To a twentieth of what there is.
        fs::write(&file, vec![0; 60 << 20])?;
        let fired = self.fires(&["WeirDiskNearlyFull"]);
        fs::remove_file(&file)?;
        self.cleared("the disk of `weir up` is full", began, fired);
        let began = now_s();
        self.site.edges[1].kill()?;
        let fired = self.fires(&["WeirInstanceDown"]);
        self.site.edges[1].start()?;
        self.cleared("an edge is killed and stays away", began, fired);
        let began = now_s();
        for _ in 0..3 {
            self.site.edges[1].kill()?;
            self.site.edges[1].start()?;
            // A scrape has to see each.
            std::thread::park_timeout(Duration::from_secs(6));
        }
        let fired = self.fires(&["WeirRestarting"]);
        told("an edge is killed three times", began, &fired, &BTreeMap::new(), 0.0);
        let began = now_s();
        self.alone("870 ballots of a day that may have 931", 870)?;
        let fired = self.fires(&["WeirVoterSetNearlyFull"]);
        told("a day's voters are nearly as many as may be", began, &fired, &BTreeMap::new(), 0.0);
        Ok(())
    }

    /// Restarts an edge with something before its command, and again without.
    fn restart_by(
        &mut self,
        before: &[&str],
        cause: &str,
        expected: &[&'static str],
    ) -> Result<(), Error> {
        let edge = &mut self.site.edges[1];
        edge.stop()?;
        edge.start_by(before);
        let began = now_s();
        edge.launch()?;
        let fired = self.fires(expected);
        let edge = &mut self.site.edges[1];
        edge.kill()?;
        edge.start_by_itself(before);
        edge.start()?;
        self.cleared(cause, began, fired);
        Ok(())
    }

    /// What concerns the counting: nobody does it.
    fn of_counting(&mut self) -> Result<(), Error> {
        let began = now_s();
        self.site.aggregators[0].signal("STOP")?;
        let fired = self.fires(&["WeirPartitionUnowned", "WeirAllDown"]);
        self.site.aggregators[0].signal("CONT")?;
        self.cleared("the only aggregator is asleep", began, fired);
        Ok(())
    }

    /// One choice is voted for by many who choose nothing else.
    fn of_choices(&mut self) -> Result<(), Error> {
        std::thread::park_timeout(HISTORY);
        let began = now_s();
        let ids: Vec<String> = (0..4_000).map(|number| format!("rigged-{number}")).collect();
        let mut command = Command::new(built("weir")?);
        command.args(["token", "--campaign", &self.site.campaign, "--keys", &self.site.keys]);
        let tokens = String::from_utf8(command.args(&ids).output()?.stdout)?;
        let url = format!("http://{}/v1/campaigns/rehearsal/ballots", self.site.edges[0].api);
        let agent = ureq::Agent::new_with_defaults();
        for token in tokens.lines() {
            let post = agent.post(&url).header("authorization", format!("Bearer {token}"));
            post.content_type("application/json").send("{\"choices\":[17]}")?;
        }
        let fired = self.fires(&["WeirChoiceJumps"]);
        // It clears when the five minutes of its window are over.
        self.cleared("4,000 accounts vote for one choice only", began, fired);
        Ok(())
    }

    /// Kafka dies under more ballots than may be in flight, and comes back.
    fn of_kafka(&mut self) -> Result<(), Error> {
        // More connections than the balancer takes.
        self.site.balancer = None;
        let crowd = Load::crowd(&self.site, 3_000, 180)?;
        std::thread::park_timeout(Duration::from_secs(15));
        let began = now_s();
        self.site.kafka.broker(1).kill();
        let expected = [
            "WeirJournalNotDurable",
            "WeirBallotsFailingFast",
            "WeirBallotsShed",
            "WeirClockUnknown",
            "WeirKafkaBrokerDown",
            "WeirNoneReady",
            "WeirNotReady",
        ];
        let fired = self.fires(&expected);
        self.site.kafka.broker(1).start();
        let back = now_s();
        self.cleared("Kafka is killed", began, fired);
        let (_, last) = crowd.end()?;
        println!("\nKafka was back after {:.0} s. {last}\n", back - began);
        Ok(())
    }

    /// Somebody else writes into the log; what is there stays, so these do not clear by themselves.
    fn of_the_log(&mut self) -> Result<(), Error> {
        // Such records are compared with those of the hour before the last five minutes.
        std::thread::park_timeout(HISTORY);
        let began = now_s();
        self.write(&[0x08, 0x01, 0x10, 0x02, 0xff], 0)?;
        let fired = self.fires(&["WeirBallotsDefective"]);
        told("a record that does not decode", began, &fired, &BTreeMap::new(), 0.0);
        let began = now_s();
        self.write(&[0x08, 0x09, 0x10, 0x02], 1)?;
        let fired = self.fires(&["WeirPartitionStopped"]);
        told("a record of an unknown version", began, &fired, &BTreeMap::new(), 0.0);
        // Asked to end it would say, by 75, that a partition of its own has stopped.
        self.site.aggregators[0].kill()
    }

    /// Appends a value to a partition by a program that is not ours.
    fn write(&self, value: &[u8], partition: u32) -> Result<(), Error> {
        let file = self.site.folder.join("value");
        fs::write(&file, value)?;
        let (bootstrap, partition) = (self.site.kafka.bootstrap(), partition.to_string());
        let args = ["-P", "-b", &bootstrap, "-t", "ballots.rehearsal", "-p", &partition];
        let ended = Command::new("kcat").args(args).arg(&file).status()?;
        if ended.success() { Ok(()) } else { Err(format!("kcat ended with {ended}").into()) }
    }

    /// Casts ballots at the Weir that is alone.
    fn alone(&self, what: &str, voters: usize) -> Result<(), Error> {
        let (edge, folder) = (format!("http://{}", self.up.api), &self.site.folder);
        let voters = voters.to_string();
        let ended = Command::new(built("loadtest")?)
            .args(["steady", "--rate", "200", "--duration", "8", "--edge", &edge])
            .args(["--voters", &voters, "--keys", &text(&self.disk.0.join("data"))])
            .args(["--campaign", &text(&folder.join("alone.toml"))])
            .stdout(fs::File::create(folder.join("alone.log"))?)
            .stderr(fs::File::create(folder.join("alone.err"))?)
            .status()?;
        if ended.success() { Ok(()) } else { Err(format!("{what}: {ended}").into()) }
    }

    /// When each of these began to fire; those that did not in time are missing.
    fn fires(&self, expected: &[&'static str]) -> BTreeMap<&'static str, Option<f64>> {
        let mut at: BTreeMap<_, _> = expected.iter().map(|name| (*name, None)).collect();
        wait_for(FIRES_WITHIN, || {
            let firing = self.site.watch.firing();
            for (name, at) in &mut at {
                if at.is_none() && firing.iter().any(|one| one == name) {
                    *at = Some(now_s());
                }
            }
            at.values().all(Option::is_some).then_some(())
        });
        at
    }

    /// Waits until they no longer fire, and tells it all.
    fn cleared(&self, cause: &str, began: f64, fired: BTreeMap<&'static str, Option<f64>>) {
        let ended = now_s();
        let also = self.site.watch.firing();
        let mut at: BTreeMap<&str, f64> = BTreeMap::new();
        wait_for(CLEARS_WITHIN, || {
            let firing = self.site.watch.firing();
            for name in fired.keys() {
                if !at.contains_key(name) && !firing.iter().any(|one| one == name) {
                    at.insert(name, now_s());
                }
            }
            (at.len() == fired.len()).then_some(())
        });
        told(cause, began, &fired, &at, ended);
        let others = also.iter().filter(|name| !fired.contains_key(name.as_str()));
        let others: Vec<_> = others.map(String::as_str).collect();
        if !others.is_empty() {
            println!("| | also: {} | | |", others.join(", "));
        }
    }
}

fn told(
    cause: &str,
    began: f64,
    fired: &BTreeMap<&'static str, Option<f64>>,
    cleared: &BTreeMap<&str, f64>,
    ended: f64,
) {
    for (name, at) in fired {
        let fires = at.map_or("not".to_owned(), |at| format!("{:.0} s", at - began));
        let clears =
            cleared.get(name).map_or("–".to_owned(), |at| format!("{:.0} s", at - ended));
        println!("| {cause} | `{name}` | {fires} | {clears} |");
    }
}
