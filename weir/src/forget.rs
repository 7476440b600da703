//! `weir forget`: destroys what ties pseudonyms to people, once a campaign is over.
//!
//! After it nobody, with whatever they have, can say whose a ballot was or whether somebody voted;
//! the result stays, and can be recounted. Never here: a campaign that may still get ballots,
//! unless that is asked for, or a doubt about which campaign is meant.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use ballot::Campaign;
use journal::{Clock as _, SystemClock};

use crate::args::ForgetArgs;
use crate::config::{Directory, Setup, keys_file, moved, read_campaign};
use crate::exit::Failure;
use crate::process::follows_file;
use crate::say;

pub(crate) fn run(args: &ForgetArgs) -> Result<(), Failure> {
    let campaign = read_campaign(args.campaign.as_deref())?;
    let directory = Directory::new(&args.data.dir, &campaign.id);
    let campaign = moved(campaign, Setup::read(&directory)?.as_ref())?;
    may_be_forgotten(args, &campaign, SystemClock.now_ms())?;
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
         cluster, other edges.",
        campaign.id,
        destroyed.join(" and ")
    ));
    Ok(())
}

fn may_be_forgotten(args: &ForgetArgs, campaign: &Campaign, now_ms: i64) -> Result<(), Failure> {
    let id = &campaign.id;
    if args.confirm != *id {
        return Err(Failure::configuration(format!(
            "--confirm {}: the campaign is {id}; give --confirm {id} if it is the one to forget",
            args.confirm
        )));
    }
    let grace_ms = i64::try_from(campaign.grace_ms).unwrap_or(i64::MAX);
    if now_ms < campaign.closes_at_ms.saturating_add(grace_ms) && !args.before_close {
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
