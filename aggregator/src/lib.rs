//! The consumer of Weir: owns partitions, rebuilds who has voted, folds records into tallies,
//! publishes snapshots, closes days; and the results view made of what was published.
//!
//! It keeps no state of its own: everything here can be lost at any time and made again from the
//! journal. Time and the journal are passed in, so that all of it runs in the simulation.

mod behind;
mod config;
mod context;
mod dedup;
mod drain;
mod founding;
mod looks;
pub mod metrics;
mod owner;
#[cfg(feature = "planted")]
mod planted;
mod rebuild;
mod results;
mod status;
mod view;
mod worker;

pub use config::Config;
pub use dedup::VoterSets;
pub use founding::{FoundingError, InForce, check, extend, found, in_force};
pub use owner::Aggregator;
#[cfg(feature = "planted")]
pub use planted::Planted;
pub use results::{PartitionResult, Results, Unread};
pub use status::{PartitionStatus, Phase, Statuses};
pub use view::{Served, View, view};
