//! The world of a schedule: a cluster, its processes and voters, and the checks at the end.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use aggregator::Planted;
use ballot::{
    Ballot, BatchBuilder, ChoiceSet, Close, Day, FOLD_VERSION, Fold, Record, Rules, TallyDocument,
    VoterId, VoterMap, VotingDay,
};
use bytes::Bytes;
use journal::simulated::{Cluster, Faults, Options, Random};
use tokio::time::{Instant, sleep, sleep_until, timeout};

use crate::answers::End;
use crate::model::Model;
use crate::process::Process;
use crate::schedule::{
    AGGREGATORS, Action, CHOICES, DAY_MS, EDGES, GRACE_MS, PARTITIONS, schedule,
};
use crate::voters::{Attempt, Fate, Heard};

struct World {
    cluster: Cluster,
    rules: Rules,
    planted: Option<Planted>,
    edges: Vec<Rc<Process>>,
    aggregators: Vec<Process>,
    heard: Rc<RefCell<Heard>>,
    smuggled: RefCell<Vec<Bytes>>,
}

/// Runs the schedule of a seed to its end and checks everything. Answers the event log's hash.
///
/// # Panics
/// On anything that is not as it has to be.
pub(crate) async fn run(seed: u64, planted: Option<Planted>, lines: Option<usize>) -> u64 {
    let mut random = Random::new(seed);
    let mut options = if random.chance(500) { Options::stormy() } else { Options::default() };
    options.session_timeout_ms = 300;
    options.revocation_timeout_ms = 200;
    options.late_ms = 50..=1_000;
    options.event_lines_max = lines;
    let cluster = Cluster::new(random.bits(), PARTITIONS, options.clone());
    let rules = rules(&cluster, options.epoch_ms);
    for partition in 0..PARTITIONS {
        let founded = Record::Rules(rules.clone()).encode();
        cluster.append_raw(partition, options.epoch_ms, founded);
    }
    let actions = schedule(&mut random);
    let mut world = World::new(cluster, rules, planted);
    let start = Instant::now();
    let voters = tokio::task::LocalSet::new();
    voters
        .run_until(async {
            for (at_ms, action) in actions {
                sleep_until(start + Duration::from_millis(at_ms)).await;
                world.act(action);
            }
        })
        .await;
    voters.await;
    world.finish().await;
    world.cluster.event_hash()
}

fn rules(cluster: &Cluster, epoch_ms: i64) -> Rules {
    let day = |number: u32, index: u64| Day {
        day: VotingDay::from_number(number).unwrap(),
        start_ms: epoch_ms.saturating_add_unsigned(index * DAY_MS),
        end_ms: epoch_ms.saturating_add_unsigned((index + 1) * DAY_MS),
    };
    Rules {
        journal: cluster.identity(),
        campaign: "simulated".to_owned(),
        partitions: PARTITIONS,
        choices: CHOICES,
        choices_per_ballot_min: 1,
        choices_per_ballot_max: 3,
        days: vec![day(20_231_218, 0), day(20_231_219, 1)],
        grace_ms: GRACE_MS,
        fold_version: FOLD_VERSION,
        pseudonym_key: [7; 16],
    }
}

impl World {
    fn new(cluster: Cluster, rules: Rules, planted: Option<Planted>) -> Self {
        let edge = |index| {
            let name = format!("edge-{index}");
            Rc::new(Process::start(&cluster, &name, &rules, false, None))
        };
        let aggregator = |index| {
            let name = format!("aggregator-{index}");
            Process::start(&cluster, &name, &rules, true, planted)
        };
        let edges = (0..EDGES).map(edge).collect();
        let aggregators = (0..AGGREGATORS).map(aggregator).collect();
        let (heard, smuggled) = (Rc::default(), RefCell::default());
        Self { cluster, rules, planted, edges, aggregators, heard, smuggled }
    }

    fn act(&mut self, action: Action) {
        match action {
            Action::Vote(voter) => {
                let (edges, heard) = (self.edges.clone(), Rc::clone(&self.heard));
                tokio::task::spawn_local(async move { voter.vote(&edges, &heard).await });
            }
            Action::Smuggle { voter } => self.smuggle(voter),
            Action::EarlyClose { partition } => {
                let day = self.rules.days[0];
                let clock_ms = day.end_ms + i64::try_from(GRACE_MS).unwrap() - 1;
                let close = Close { day: day.day, instant_ms: day.end_ms, clock_ms };
                self.cluster.append_raw(partition, clock_ms, Record::Close(close).encode());
            }
            Action::Garble { partition } => {
                let close = Close { day: self.rules.days[0].day, instant_ms: 0, clock_ms: 1 };
                let close = Record::Close(close).encode();
                let cut = close.slice(..close.len() - 1);
                self.cluster.append_raw(partition, self.cluster.now_ms(), cut);
            }
            Action::RepeatRules { partition } => {
                let log = self.cluster.log(partition);
                let is_rules =
                    |r: &&journal::Record| matches!(Record::decode(&r.value), Ok(Record::Rules(_)));
                let newest = log.iter().rev().find(is_rules).unwrap().value.clone();
                self.cluster.append_raw(partition, self.cluster.now_ms(), newest);
            }
            Action::CrashEdge(index) => {
                let name = self.edges[index].name.clone();
                self.cluster.crash(&name);
                // Voters who still wait on the old one hold it; its tasks end with the last.
                drop(self.replace_edge(index, &name));
            }
            Action::DrainEdge(index) => {
                let old = self.replace_edge(index, &format!("{}+", self.edges[index].name));
                old.drain.cancel();
                tokio::task::spawn_local(settle(old, Rc::clone(&self.heard)));
            }
            Action::CrashAggregator(index) => {
                let name = self.aggregators[index].name.clone();
                self.cluster.crash(&name);
                self.aggregators[index].tasks.abort_all();
                drop(self.replace_aggregator(index, &name));
            }
            Action::RestartAggregator(index) => {
                let name = format!("{}+", self.aggregators[index].name);
                let old = self.replace_aggregator(index, &name);
                old.drain.cancel();
                tokio::task::spawn_local(async move {
                    sleep(Duration::from_secs(2)).await;
                    drop(old);
                });
            }
            Action::Stall(ms) => self.cluster.stall(Duration::from_millis(ms)),
            Action::Isolate(index, ms) => {
                let (cluster, name) = (self.cluster.clone(), self.aggregators[index].name.clone());
                cluster.isolate(&name);
                tokio::task::spawn_local(async move {
                    sleep(Duration::from_millis(ms)).await;
                    cluster.heal(&name);
                });
            }
            Action::Rebalance => self.cluster.rebalance(),
            Action::Compact => self.cluster.compact(),
            Action::StepClock { aggregator, index, skew_ms } => {
                let process =
                    if aggregator { &self.aggregators[index] } else { &*self.edges[index] };
                process.clock.set_skew_ms(skew_ms);
            }
            Action::Extend { ms, after_ms } => self.extend(ms, after_ms),
        }
    }

    fn replace_edge(&mut self, index: usize, name: &str) -> Rc<Process> {
        let old = &mut self.edges[index];
        let new = Process::start(&self.cluster, name, &self.rules, false, None).after(old);
        std::mem::replace(old, Rc::new(new))
    }

    fn replace_aggregator(&mut self, index: usize, name: &str) -> Process {
        let old = &mut self.aggregators[index];
        let new = Process::start(&self.cluster, name, &self.rules, true, self.planted).after(old);
        std::mem::replace(old, new)
    }

    /// An invalid ballot first and a good one of the same voter behind it: only the second counts.
    fn smuggle(&self, voter: VoterId) {
        let cast_at_ms = self.cluster.now_ms();
        let mut batch = BatchBuilder::new(2);
        let four: ChoiceSet = [1, 2, 3, 4].into_iter().collect();
        let beyond: ChoiceSet = [CHOICES + 1].into_iter().collect();
        let good: ChoiceSet = [CHOICES].into_iter().collect();
        for (choices, cast_at_ms) in [(four, cast_at_ms), (beyond, cast_at_ms), (good, 0)] {
            batch.push(&Ballot { voter, choices, cast_at_ms });
        }
        let value = Record::Batch(batch.finish()).encode();
        self.smuggled.borrow_mut().push(value.clone());
        let partition = voter.partition(PARTITIONS);
        self.cluster.append_raw(partition, cast_at_ms, value.clone());
        self.cluster.append_raw((partition + 1) % PARTITIONS, cast_at_ms, value);
    }

    fn extend(&mut self, ms: i64, after_ms: [u64; PARTITIONS as usize]) {
        self.rules.days[1].end_ms += ms;
        for (partition, ms) in (0..PARTITIONS).zip(after_ms) {
            let (cluster, value) = (self.cluster.clone(), Record::Rules(self.rules.clone()));
            tokio::task::spawn_local(async move {
                sleep(Duration::from_millis(ms)).await;
                cluster.append_raw(partition, cluster.now_ms(), value.encode());
            });
        }
    }

    async fn finish(&mut self) {
        self.cluster.set_faults(Faults::NONE);
        for process in &self.aggregators {
            self.cluster.heal(&process.name);
            process.clock.set_skew_ms(0);
        }
        for edge in &self.edges {
            edge.clock.set_skew_ms(0);
        }
        let grace = Duration::from_millis(GRACE_MS);
        let documents = self.final_documents().await;
        let model = self.check(&documents);
        // Nothing moves a tally once it says final, not even in a view that begins after
        // compaction, long after.
        for voter in model.counted.keys().map(|(_, voter)| *voter).take(3) {
            self.smuggle(voter);
        }
        sleep(grace).await;
        self.cluster.compact();
        let late = Process::start(&self.cluster, "late-edge", &self.rules, false, None);
        self.edges.push(Rc::new(late));
        sleep(grace).await;
        assert!(self.final_documents().await[0] == documents[0], "a final tally moved");
        for process in self.edges.iter().map(|edge| &**edge).chain(&self.aggregators) {
            process.check_permits();
            let seen = process.seen().map(|seen| seen.json.clone());
            assert!(seen.as_ref() == Some(&documents[0]), "a client of {} is behind", process.name);
        }
    }

    /// What each process serves once it is final: the same everywhere.
    async fn final_documents(&self) -> Vec<bytes::Bytes> {
        let mut documents = Vec::new();
        for process in self.edges.iter().map(|edge| &**edge).chain(&self.aggregators) {
            let mut served = process.view.served.clone();
            let is_final = served
                .wait_for(|served| served.as_ref().is_some_and(|served| served.document.is_final));
            let served = timeout(Duration::from_secs(120), is_final).await;
            let served = served.unwrap_or_else(|_| panic!("{} is never final", process.name));
            documents.push(served.unwrap().as_ref().unwrap().json.clone());
        }
        for document in &documents {
            assert!(document == &documents[0], "two processes serve different results");
        }
        documents
    }

    fn check(&self, documents: &[bytes::Bytes]) -> Model {
        let logs: Vec<_> = (0..PARTITIONS).map(|p| self.cluster.log(p)).collect();
        let recount = recount(&self.cluster, &logs);
        assert!(recount.to_json() == documents[0], "the recount differs");
        let model = Model::of(&logs);
        model.assert_same(&recount);
        let end = End { logs: &logs, rules: &self.rules, model: &model };
        end.check(&self.heard.borrow(), &self.smuggled.borrow());
        model
    }
}

/// A drained edge settles, and then has answered everybody and holds nothing.
async fn settle(edge: Rc<Process>, heard: Rc<RefCell<Heard>>) {
    let settled = timeout(Duration::from_secs(20), edge.batcher.settle()).await;
    settled.unwrap_or_else(|_| panic!("{} does not settle", edge.name));
    edge.check_permits();
    // Its voters are told, and take a turn to hear it.
    sleep(Duration::from_millis(1)).await;
    let open = |a: &Attempt| a.fate == Fate::Open && a.is_of(&edge);
    let open = heard.borrow().attempts.iter().any(open);
    assert!(!open, "{} settled before it had answered", edge.name);
}

/// The document of the logs, folded from their start.
fn recount(cluster: &Cluster, logs: &[Vec<journal::Record>]) -> TallyDocument {
    let snapshots: Vec<_> = (0..PARTITIONS)
        .map(|partition| {
            let mut fold = Fold::new(cluster.identity(), partition);
            let mut voters = VoterMap::new(1_000);
            for record in &logs[partition as usize] {
                fold.apply(record.offset, &record.value, &mut voters).unwrap();
            }
            fold.snapshot()
        })
        .collect();
    TallyDocument::of(&snapshots.iter().collect::<Vec<_>>()).unwrap()
}
