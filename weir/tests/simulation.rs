//! The whole pipeline in a deterministic simulation: the real batcher, aggregator and results view
//! over a simulated journal, driven by seeded schedules, against a model of a hundred lines.
//!
//! A failure names its seed; `SEED=<n> cargo test -p weir --test simulation` runs that one again.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test says where it fails by panicking")]

#[path = "simulation/answers.rs"]
mod answers;
#[path = "simulation/model.rs"]
mod model;
#[path = "simulation/process.rs"]
mod process;
#[path = "simulation/schedule.rs"]
mod schedule;
#[path = "simulation/voters.rs"]
mod voters;
#[path = "simulation/world.rs"]
mod world;

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;
use std::sync::atomic::{AtomicU64, Ordering};

use aggregator::Planted;

/// Schedules in the test command.
const SCHEDULES: u64 = 20_000;

thread_local! {
    /// The first panic of a schedule, wherever it was. A schedule has one thread.
    static PANIC: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Has panics noted: one in a task would end that task and nothing else.
fn note_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            PANIC.with_borrow_mut(|first| {
                if first.is_none() {
                    *first = Some(panic.to_string());
                }
            });
            before(panic);
        }));
    });
}

/// Runs one seed on a fresh runtime with paused time. A panic in any of its tasks is a failure.
fn run(seed: u64, planted: Option<Planted>, lines: Option<usize>) -> Result<u64, String> {
    note_panics();
    PANIC.set(None);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    let world = || runtime.block_on(world::run(seed, planted, lines));
    let result = catch_unwind(AssertUnwindSafe(world));
    PANIC.take().map_or_else(|| Ok(result.expect("nothing panicked")), Err)
}

#[test]
fn any_schedule_ends_with_the_tally_of_the_model() {
    if let Ok(seed) = std::env::var("SEED") {
        let seed = seed.parse().expect("SEED is a number");
        println!("{:?}", run(seed, None, Some(100_000)));
        return;
    }
    let next = AtomicU64::new(0);
    let worker = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= SCHEDULES {
                return;
            }
            if let Err(why) = run(seed, None, None) {
                panic!("SEED={seed}: {why}");
            }
        }
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..2).map(|_| scope.spawn(worker)).collect();
        for worker in workers {
            worker.join().expect("a schedule failed, see above");
        }
    });
}

/// Every hundredth schedule, twice: the whole event log has to be the same.
#[test]
fn a_seed_leaves_the_same_event_log_every_time() {
    for seed in (0..SCHEDULES).step_by(100) {
        let (first, second) = (run(seed, None, Some(1)), run(seed, None, Some(1)));
        assert_eq!(first, second, "SEED={seed}");
    }
}

/// A defect counts as noticed when some schedule fails because of it.
#[test]
fn each_planted_defect_is_noticed() {
    const ALL: [Planted; 8] = [
        Planted::RebuildSkipped,
        Planted::FrontierBeforeSnapshot,
        Planted::BatchFoldedTwice,
        Planted::SnapshotMidBatch,
        Planted::DayDroppedByClock,
        Planted::SetSharedByAssignments,
        Planted::StaleSnapshotKept,
        Planted::InvalidMarksVoter,
    ];
    for defect in ALL {
        let fails = |seed| run(seed, Some(defect), None).err().map(|why| (seed, why));
        let noticed = (0..SCHEDULES).find_map(fails);
        let (seed, why) = noticed.unwrap_or_else(|| panic!("{defect:?} was not noticed"));
        println!("{defect:?}: noticed at seed {seed}: {}", why.replace('\n', " "));
    }
}
