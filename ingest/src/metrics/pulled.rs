//! Metrics whose values are kept elsewhere, and read when somebody asks.
//!
//! Invariant: two who ask at once get each a whole reading, not a mixture. Never here: a value that
//! is counted twice, once where it is kept and once here.

use std::fmt;
use std::sync::{Mutex, PoisonError};

use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;

/// Reads some values from where they are kept into their metrics.
pub type Reading = Box<dyn Fn() + Send + Sync>;

/// Families of metrics, and how their values are read. What has no value yet has no series.
pub struct Pulled {
    families: Vec<Box<dyn Collector>>,
    /// Locked from the reading until it has been collected.
    readings: Mutex<Vec<Reading>>,
}

impl Pulled {
    /// These families, filled by these readings.
    #[must_use]
    pub fn new(families: Vec<Box<dyn Collector>>, readings: Vec<Reading>) -> Self {
        Self { families, readings: Mutex::new(readings) }
    }
}

impl Collector for Pulled {
    fn desc(&self) -> Vec<&Desc> {
        self.families.iter().flat_map(|family| family.desc()).collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let readings = self.readings.lock().unwrap_or_else(PoisonError::into_inner);
        readings.iter().for_each(|read| read());
        self.families.iter().flat_map(|family| family.collect()).collect()
    }
}

impl fmt::Debug for Pulled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pulled").field("families", &self.families.len()).finish_non_exhaustive()
    }
}

/// A count as a gauge takes it.
#[must_use]
pub fn whole(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// A whole number as a gauge of fractions takes it: exactly, up to 2^53.
#[must_use]
pub fn float(number: i64) -> f64 {
    number as f64
}
