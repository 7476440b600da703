//! What a command is configured with besides its flags: the campaign, its keys, how Kafka is
//! reached, and what its data directory was made with.
//!
//! Every problem is told with the file, the key and what to do. Never here: a secret in a message.

mod campaign;
mod captcha;
mod directory;
mod kafka;
mod keys;
mod setup;
mod wechat;

pub(crate) use campaign::{
    all_different, read as read_campaign, text as campaign_text, wrong as wrong_campaign,
};
pub(crate) use directory::{Directory, write_new};
pub(crate) use kafka::{connect, shown as shown_properties};
pub(crate) use keys::{Keys, file as keys_file};
pub(crate) use setup::{Setup, Wish, moved, starts_on};
pub(crate) use wechat::WeChatSecrets;
