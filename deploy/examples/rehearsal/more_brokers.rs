//! Causes in Kafka that all who use it feel: a broker that is slow, and one of three that is gone.

use std::sync::Arc;
use std::time::Duration;

use testkit::Kafka;

use crate::Error;
use crate::files::{campaign, folder};
use crate::fired::Cause;
use crate::load::Load;
use crate::site::Site;

const OPEN_FOR: Duration = Duration::from_hours(6 * 24);
/// A quiet night. More than a record a second, or nobody can say that a broker is gone.
const RATE: u64 = 25;
/// Of each 1.9 s or so it works for what a look takes and this.
const PAUSED: Duration = Duration::from_millis(1_500);

/// The broker stops in its tracks again and again, for less than anybody gives up after.
pub(crate) fn slow(kafka: &Arc<Kafka>) -> Result<(), Error> {
    let folder = folder("more-slow")?;
    let voted = campaign(&folder, "slow", OPEN_FOR)?;
    let site = Site::sharing(kafka, "1", folder, voted, (1, 1))?;
    let load = Load::start(&site, "steady", RATE, 720)?;
    std::thread::park_timeout(Duration::from_secs(30));
    let what = "the broker pauses for 1.5 s, once in 2.5 s (SIGSTOP)";
    let cause = Cause::begins(&site.watch, what, &["WeirAcknowledgementsSlow"]);
    let done = cause.lasts_by(Duration::from_mins(7), || {
        kafka.broker(1).pause();
        std::thread::park_timeout(PAUSED);
        kafka.broker(1).resume();
        Ok(())
    });
    done?;
    cause.ended(Duration::from_mins(4));
    drop(load);
    site.stop()
}

/// One of three brokers is killed and stays away.
pub(crate) fn run() -> Result<(), Error> {
    let folder = folder("more-brokers")?;
    let voted = campaign(&folder, "brokers", OPEN_FOR)?;
    // Beside all else on two cores a session of 3 s, the test kit's, ends by itself.
    let session = ("broker.session.timeout.ms", "9000");
    let kafka = Kafka::builder(3).property(session.0, session.1).try_start()?;
    let kafka = Arc::new(kafka);
    let site = Site::sharing(&kafka, "3", folder, voted, (1, 1))?;
    let load = Load::start(&site, "steady", RATE, 3_000)?;
    // Its connections have to have been seen, by a look of librdkafka's and by a scrape.
    std::thread::park_timeout(Duration::from_mins(1));
    let what = "one of three brokers killed, and away";
    let cause = Cause::begins(&site.watch, what, &["WeirKafkaBrokerGone"]);
    kafka.broker(3).kill();
    cause.lasts(Duration::from_mins(16))?;
    kafka.broker(3).start();
    cause.ended(Duration::from_mins(12));
    drop(load);
    site.stop()
}
