//! The commands of the built binary, as their users meet them: processes, files, ports, signals,
//! exit codes, and the words they are told.
//!
//! Every wait is for a state and has a deadline. Every process works in a directory of its own and
//! listens where the system has room.
#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests are not covered by allow-unwrap-in-tests"
)]
#![expect(clippy::panic, reason = "as above")]

#[path = "commands/configuration.rs"]
mod configuration;
#[path = "commands/damage.rs"]
mod damage;
#[path = "commands/dates.rs"]
mod dates;
#[path = "commands/forget.rs"]
mod forget;
mod kit;
#[path = "commands/logs.rs"]
mod logs;
#[path = "commands/poster.rs"]
mod poster;
#[path = "commands/recount.rs"]
mod recount;
#[path = "commands/token.rs"]
mod token;
#[path = "commands/up.rs"]
mod up;
