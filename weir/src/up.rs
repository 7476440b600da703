//! `weir up`: a whole Weir in one process, on the embedded journal: edge, counting, result.

mod founded;
mod hello;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ballot::Campaign;
use journal::{Clock, Embedded};

use crate::args::{TraceArgs, UpArgs};
use crate::config::{Wish, all_different, read_campaign};
use crate::exit::Failure;
use crate::identity::{Origin, chosen};
use crate::process::{self, Opened, Ports, Program, Reading, Role, Setting};

pub(crate) fn run(args: &UpArgs) -> Result<(), Failure> {
    let campaigns = campaigns(args)?;
    let wish = wish(args);
    let setting = Setting {
        role: Role::Everything,
        listen: args.listen,
        ops_listen: args.ops_listen,
        // It is the only one: there is no balancer that would have to hear of it first.
        drain_wait: Duration::ZERO,
        site: args.site.site(),
        identity_data: args.site.identity_data.clone().or_else(|| Some(args.data.dir.clone())),
        imitates: args.site.imitates(),
        tls: args.site.tls(),
    };
    process::run(&Up { args, campaigns, wish }, setting)
}

/// What the flags say of the dates.
pub(crate) const fn wish(args: &UpArgs) -> Wish {
    match (args.as_dated, args.from_today) {
        (true, _) => Wish::AsDated,
        (false, true) => Wish::FromToday,
        (false, false) if args.campaigns.is_empty() => Wish::TryOut,
        (false, false) => Wish::Nothing,
    }
}

/// A Weir on the embedded journal.
struct Up<'a> {
    args: &'a UpArgs,
    campaigns: Vec<Campaign>,
    wish: Wish,
}

impl Program for Up<'_> {
    type Journal = Embedded;

    async fn open(&self, clock: &Arc<dyn Clock>) -> Result<Vec<Opened<Embedded>>, Failure> {
        let mut opened = Vec::new();
        for campaign in &self.campaigns {
            opened.push(founded::open(self.args, campaign.clone(), self.wish, clock).await?);
        }
        Ok(opened)
    }

    fn again(&self, place: usize, id: &str) -> Reading {
        let (args, id) = (self.args.clone(), id.to_owned());
        let file = args.campaigns.get(place).cloned();
        let keys = args.keys.as_ref().unwrap_or(&args.data.dir).clone();
        Reading::new(file.iter().cloned().chain([keys]).collect(), move || {
            founded::again(&args, file.as_deref(), &id)
        })
    }

    fn data(&self) -> Option<&Path> {
        Some(&self.args.data.dir)
    }

    fn trace(&self) -> Option<&TraceArgs> {
        Some(&self.args.trace)
    }

    fn hello(&self, ports: &Ports, opened: &[Opened<Embedded>], now_ms: i64) -> String {
        hello::lines(ports, opened, self.args, now_ms)
    }
}

/// The campaigns that are asked for.
fn campaigns(args: &UpArgs) -> Result<Vec<Campaign>, Failure> {
    let files: Vec<Option<&Path>> = match args.campaigns.as_slice() {
        [] => vec![None],
        files @ [_, ..] => files.iter().map(|file| Some(file.as_path())).collect(),
    };
    let campaigns = files.into_iter().map(|file| campaign(args, file));
    let campaigns = campaigns.collect::<Result<Vec<_>, _>>()?;
    all_different(&campaigns, args.keys.as_deref())?;
    Ok(campaigns)
}

/// A campaign of a file, or the built-in one, with the way of signing in that it has here.
fn campaign(args: &UpArgs, file: Option<&Path>) -> Result<Campaign, Failure> {
    let origin = if file.is_some() { Origin::File } else { Origin::BuiltIn };
    chosen(&args.site, origin, read_campaign(file)?)
}
