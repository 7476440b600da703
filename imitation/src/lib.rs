//! A faithful imitation of WeChat: its authorize page, its interface for servers and its events,
//! as far as Weir needs them. Tests use it, and whoever tries Weir out without an account.
//!
//! It keeps WeChat's rules and is strict where WeChat is: what passes here should pass there. It
//! answers on the listener it is given and sends events to a loopback address only. Never here:
//! a call to WeChat's own hosts, or a person who is real.

mod authorize;
mod calls;
mod codes;
mod controls;
mod delivery;
mod derive;
mod endpoints;
pub mod errcode;
mod event;
mod exchange;
mod imitation;
mod options;
mod page;
mod people;
mod person;
mod quotas;
mod reply;
mod server;
mod stable_token;
mod tokens;
mod user_info;

pub use delivery::{Delivered, Undelivered};
pub use endpoints::{Endpoint, Fault};
pub use event::{Event, Message, signature};
pub use imitation::Imitation;
pub use options::{Account, Kind, Options, Unionids};
pub use person::Person;
pub use quotas::Quotas;
