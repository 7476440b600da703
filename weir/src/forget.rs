//! `weir forget`: destroys what ties pseudonyms to people, once a campaign is over.
//!
//! After it nobody can make a pseudonym of an identity any more, and so say whether somebody voted;
//! the result stays, and can be recounted. What was handed out before still names its voter: a
//! cookie on a phone, a list of tokens or receipts with names beside it. Never here: a campaign
//! that may still get ballots, unless that is asked for, or a doubt about which campaign is meant.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ballot::Campaign;
use journal::{Clock, SystemClock};
use tokio::runtime::Builder;
use tokio_util::task::AbortOnDropHandle;

use crate::args::ForgetArgs;
use crate::config::{Directory, Setup, keys_file, moved, read_campaign};
use crate::exit::Failure;
use crate::process::follows_file;
use crate::say;

pub(crate) fn run(args: &ForgetArgs) -> Result<(), Failure> {
    let campaign = read_campaign(args.campaign.as_deref())?;
    let directory = Directory::new(&args.data.dir, &campaign.id);
    let campaign = moved(campaign, Setup::read(&directory)?.as_ref())?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let ends_at_ms = ends_at_ms(&directory, &campaign, &clock)?;
    may_be_forgotten(args, (&campaign.id, ends_at_ms), clock.now_ms())?;
    let keys = args.keys.as_deref().map(|given| keys_file(given, &campaign.id));
    let keys = keys.unwrap_or_else(|| directory.keys_file());
    let follows = args.identity_data.as_deref().unwrap_or(&args.data.dir);
    let follows = follows_file(follows, &campaign.id);
    let destroyed = [destroy(&keys)?, destroy(&follows)?];
    let destroyed: Vec<_> =
        destroyed.iter().flatten().map(|path| path.display().to_string()).collect();
    if destroyed.is_empty() {
        return Err(Failure::configuration(format!(
            "{}: there is nothing to forget: no {}, no {}; say where they are with --data, --keys \
             or --identity-data",
            campaign.id,
            keys.display(),
            follows.display()
        )));
    }
    say(&format!(
        "{} is forgotten: destroyed {}. Destroy every copy of the keys too: backups, secrets of a \
         cluster, edges that run; and lists of tokens or receipts with names beside them.",
        campaign.id,
        destroyed.join(" and ")
    ));
    Ok(())
}

/// When no ballot of the campaign can count any more: by the rules in its journal, if that is here,
/// since the file may be older than an extension. Looking at the journal shares its lock: while a
/// process works on it, that is told and nothing is destroyed.
fn ends_at_ms(
    directory: &Directory,
    campaign: &Campaign,
    clock: &Arc<dyn Clock>,
) -> Result<i64, Failure> {
    let end = |closes_at_ms: i64, grace_ms: u64| {
        closes_at_ms.saturating_add(i64::try_from(grace_ms).unwrap_or(i64::MAX))
    };
    let by_the_file = end(campaign.closes_at_ms, campaign.grace_ms);
    if !directory.has_journal() {
        return Ok(by_the_file);
    }
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime =
        runtime.map_err(|error| Failure::internal(format!("cannot start a runtime: {error}")))?;
    runtime.block_on(async {
        let journal = directory.look(None, clock)?;
        let (view, follow) = aggregator::view(journal.clone());
        // Ends with this function.
        let _following = AbortOnDropHandle::new(tokio::spawn(follow));
        let rules = aggregator::in_force(&journal, &view, 0).await?.rules;
        Ok(end(rules.closes_at_ms(), rules.grace_ms).max(by_the_file))
    })
}

fn may_be_forgotten(
    args: &ForgetArgs,
    (id, ends_at_ms): (&str, i64),
    now_ms: i64,
) -> Result<(), Failure> {
    if args.confirm != *id {
        return Err(Failure::configuration(format!(
            "--confirm {}: the campaign is {id}; give --confirm {id} if it is the one to forget",
            args.confirm
        )));
    }
    if now_ms < ends_at_ms && !args.before_close {
        return Err(Failure::configuration(format!(
            "{id} is not over yet, and without its keys nobody can vote any more; wait for its \
             close, or give --before-close"
        )));
    }
    Ok(())
}

/// Overwrites a file, if it is there, and removes it.
fn destroy(path: &Path) -> Result<Option<PathBuf>, Failure> {
    let length = match fs::metadata(path) {
        Ok(metadata) => metadata.len(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(cannot(path, &error)),
    };
    overwrite(path, length).map_err(|error| cannot(path, &error))?;
    Ok(Some(path.to_owned()))
}

/// A file system may keep old blocks all the same; on an encrypted one they say nothing.
fn overwrite(path: &Path, length: u64) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).open(path)?;
    io::copy(&mut io::Read::take(io::repeat(0), length), &mut file)?;
    file.flush()?;
    file.sync_all()?;
    fs::remove_file(path)?;
    // So that the removal itself survives a crash.
    path.parent().map_or(Ok(()), |folder| fs::File::open(folder)?.sync_all())
}

fn cannot(path: &Path, error: &io::Error) -> Failure {
    Failure::configuration(format!("{}: cannot be destroyed: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_destroyed_is_gone_and_what_is_not_there_is_no_error() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("c.keys.toml");
        fs::write(&path, "secret").unwrap();
        // Another name of the same file shows what was in it when it was removed.
        let other = dir.path().join("other");
        fs::hard_link(&path, &other).unwrap();
        assert_eq!(destroy(&path).unwrap().as_deref(), Some(path.as_path()));
        assert!(!path.exists());
        assert_eq!(fs::read(&other).unwrap(), [0; 6]);
        assert_eq!(destroy(&path).unwrap(), None);
    }
}
