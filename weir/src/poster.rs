//! `weir poster`: a campaign's poster on standard output, for whoever prints it.
//!
//! Never here: a code that leads nowhere; a channel that the campaign does not list would be
//! counted with all strangers.

use std::io::{self, Write as _};

use ballot::Campaign;
use ingest::poster::{self, poster};

use crate::args::{Lang, PosterArgs};
use crate::config::read_campaign;
use crate::exit::Failure;

pub(crate) fn run(args: &PosterArgs) -> Result<(), Failure> {
    let campaign = read_campaign(args.campaign.as_deref())?;
    let channel = args.channel.as_deref().map(|name| listed(&campaign, name)).transpose()?;
    let lang = match args.lang {
        Lang::Zh => poster::Lang::Chinese,
        Lang::En => poster::Lang::English,
    };
    let svg = poster(&campaign, &args.public_url, channel, lang);
    match io::stdout().lock().write_all(svg.as_bytes()) {
        // Whoever reads has had enough.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::internal(format!("the poster cannot be written out: {error}")))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

/// A channel, if the campaign has it.
fn listed<'a>(campaign: &Campaign, name: &'a str) -> Result<&'a str, Failure> {
    let Campaign { id, channels, .. } = campaign;
    if channels.iter().any(|channel| channel == name) {
        return Ok(name);
    }
    Err(Failure::configuration(if channels.is_empty() {
        format!(
            "--channel {name}: {id} has no channels; list it under channels in the campaign file, \
             or leave --channel out"
        )
    } else {
        let known = channels.join(", ");
        format!(
            "--channel {name}: {id} has no such channel; give one of {known}, or list it under \
             channels in the campaign file"
        )
    }))
}
