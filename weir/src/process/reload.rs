//! Keys and campaign files read again on SIGHUP, while everything runs.
//!
//! Invariant: of a campaign all changes or nothing does, and nothing that counts changes ever: what
//! is read must agree with the rules in the journal, as at a start. A request that has begun is not
//! touched. Never here: a reason to stop serving, a wait that deafens the process to signals, or a
//! secret in the log.

mod policy;

use std::convert::Infallible;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use aggregator::View;
use ballot::{Campaign, hex};
use ingest::Edge;
use journal::Journal;
use tokio::task::{JoinError, spawn_blocking};
use tokio::time::timeout;

use policy::same_policy;

use super::signals::Hangups;
use super::{Opened, Program, agreed_rules};
use crate::config::Keys;
use crate::exit::Failure;
use crate::identity::token_keys;

/// How long the journal may take to say which rules are in force: two elections of a Kafka leader.
const RULES_WAIT: Duration = Duration::from_secs(10);

/// How long its files may take to be read: they are small, but may be on another machine.
const FILES_WAIT: Duration = Duration::from_secs(10);

/// What is read again: a campaign, with keys where ballots are taken.
type Read = Result<(Campaign, Option<Keys>), Failure>;

/// How a campaign is read again from its files, which may take a while, or for ever.
pub(crate) struct Reading {
    files: Vec<PathBuf>,
    read: Box<dyn FnOnce() -> Read + Send>,
}

impl Reading {
    /// The files are those to be named if they cannot be read.
    pub(crate) fn new(files: Vec<PathBuf>, read: impl FnOnce() -> Read + Send + 'static) -> Self {
        Self { files, read: Box::new(read) }
    }

    /// Reads them, while the process goes on.
    async fn done(self) -> Read {
        // Joined, or given up: nothing can end a thread that the system keeps waiting. The
        // process's end does not wait for it either.
        in_time(&self.files, spawn_blocking(self.read)).await
    }
}

impl fmt::Debug for Reading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reading").field("files", &self.files).finish_non_exhaustive()
    }
}

/// What is read, or a refusal if it takes too long.
async fn in_time(
    files: &[PathBuf],
    reading: impl Future<Output = Result<Read, JoinError>>,
) -> Read {
    let read = timeout(FILES_WAIT, reading).await.map_err(|_elapsed| {
        let files: Vec<_> = files.iter().map(|file| file.display().to_string()).collect();
        Failure::configuration(format!(
            "{} could not be read within {} s; see whether the file system answers, and that they \
             are plain files",
            files.join(" and "),
            FILES_WAIT.as_secs()
        ))
    })?;
    read.map_err(|_panic| Failure::internal("reading the files broke"))?
}

/// A campaign as it was read last.
#[derive(Debug)]
pub(super) struct Loaded<J> {
    campaign: Campaign,
    keys: Option<Keys>,
    journal: J,
    view: View,
}

impl<J: Journal> Loaded<J> {
    /// A campaign that was just opened, which is told.
    pub(super) fn of(opened: &Opened<J>) -> Self {
        let Opened { campaign, journal, keys, rules, view, .. } = opened;
        tracing::info!(
            campaign = campaign.id,
            journal = %journal.identity(),
            partitions = journal.partitions(),
            pseudonym_key = hex(&rules.pseudonym_key),
            token_keys = keys.as_ref().map(Keys::token_key_ids),
            "this campaign's rules are those in its journal"
        );
        let (journal, view) = (journal.clone(), view.clone());
        Self { campaign: campaign.clone(), keys: keys.clone(), journal, view }
    }

    /// What has become of the campaign, if it may become that.
    async fn again(&self, read: Read) -> Read {
        let (campaign, keys) = read?;
        same_policy(&self.campaign, &campaign)?;
        if self.keys.is_some() && keys.is_none() {
            return Err(Failure::configuration("the keys are gone; put them back from your copy"));
        }
        let agreed = agreed_rules(&campaign, &self.journal, keys.as_ref(), &self.view);
        let agreed = timeout(RULES_WAIT, agreed).await.map_err(|_elapsed| {
            Failure::journal("the journal does not say which rules are in force; try again")
        })?;
        agreed.map(|_rules| (campaign, keys))
    }
}

/// The campaigns of a process, to be read again.
pub(super) struct Reloading<'a, P: Program> {
    pub(super) program: &'a P,
    pub(super) edge: Edge<P::Journal>,
    /// In the order in which the program opened them.
    pub(super) loaded: Vec<Loaded<P::Journal>>,
    /// Whether WeChat is imitated here.
    pub(super) imitates: bool,
}

impl<P: Program> Reloading<'_, P> {
    /// Reads everything again whenever a signal says so. Signals that come meanwhile are one more.
    pub(super) async fn run(mut self, mut hangups: Hangups) -> Infallible {
        loop {
            hangups.next().await;
            for place in 0..self.loaded.len() {
                self.reload(place).await;
            }
        }
    }

    async fn reload(&mut self, place: usize) {
        let Self { program, edge, loaded, imitates } = self;
        let Some(loaded) = loaded.get_mut(place) else { return };
        let id = loaded.campaign.id.clone();
        let again = loaded.again(program.again(place, &id).done().await).await;
        let again = again.and_then(|(campaign, keys)| {
            let tokens = keys.as_ref().map(|keys| token_keys(&campaign, keys, *imitates));
            let tokens = tokens.transpose()?;
            Ok((campaign, keys, tokens))
        });
        match again {
            Ok((campaign, keys, tokens)) => {
                let changed = changes(&loaded.campaign, &campaign, (&loaded.keys, &keys));
                edge.renew(&campaign, tokens);
                (loaded.campaign, loaded.keys) = (campaign, keys);
                tracing::info!(campaign = id, changed, "read again");
            }
            Err(failure) => {
                // The files are not what this process could start with again: somebody must act.
                let why = failure.sentence.replace('\n', "; ");
                tracing::error!(campaign = id, why, "not reloaded, it stays as it was");
            }
        }
    }
}

/// What is not as it was, for the log.
fn changes(
    was: &Campaign,
    is: &Campaign,
    (old_keys, keys): (&Option<Keys>, &Option<Keys>),
) -> String {
    let mut changed = Vec::new();
    let mut note = |differs: bool, what: String| {
        if differs {
            changed.push(what);
        }
    };
    note(was.title != is.title, "title".to_owned());
    note(was.organiser != is.organiser, "organiser".to_owned());
    for (was, is) in was.choices.iter().zip(&is.choices) {
        note(was != is, format!("choices[{}]", is.number));
    }
    // An extension, which was in the journal before.
    let rules = |of: &Campaign| {
        (of.opens_at_ms, of.closes_at_ms, of.grace_ms, of.choices.len(), of.choices_per_ballot_max)
    };
    note(rules(was) != rules(is), "the rules, as extended".to_owned());
    if let (Some(was), Some(is)) = (old_keys, keys) {
        let (old, new) = (was.token_key_ids(), is.token_key_ids());
        note(old != new, format!("token keys {old} to {new}"));
        note(was.wechat() != is.wechat(), "[wechat], which only a restart takes".to_owned());
        note(was.captcha() != is.captcha(), "[captcha], which only a restart takes".to_owned());
        for id in was.token_keys_replaced_by(is) {
            note(true, format!("another secret of token key {id}"));
        }
    }
    if changed.is_empty() { "nothing".to_owned() } else { changed.join(", ") }
}

#[cfg(test)]
mod tests {
    use aggregator::{found, view};
    use ballot::{Challenge, Mode, PseudonymKey, Record, Results, Rules};
    use journal::simulated::{Cluster, Options};

    use super::*;

    const fn campaign_text() -> &'static str {
        include_str!("../../../campaigns/hubei-2023.toml")
    }

    fn campaign(edit: impl FnOnce(&mut Campaign)) -> Campaign {
        let mut campaign = Campaign::parse(campaign_text()).unwrap();
        edit(&mut campaign);
        campaign
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_only_counts_reads_texts_again_and_an_extension_once_it_is_in_the_journal() {
        let journal = Cluster::new(1, 1, Options::default()).process("weir");
        let (view, follow) = view(journal.clone());
        // Ends with the test's runtime.
        drop(tokio::spawn(follow));
        let was = campaign(|_| {});
        let fingerprint = PseudonymKey::new(&[7; 32]).fingerprint();
        let rules = |of: &Campaign| Rules::new(of, journal.identity(), 1, fingerprint);
        found(&journal, &rules(&was), 0).await.unwrap();
        let loaded = Loaded { campaign: was.clone(), keys: None, journal: journal.clone(), view };
        let titled = campaign(|campaign| campaign.title = "another".to_owned());
        assert_eq!(loaded.again(Ok((titled.clone(), None))).await.unwrap().0, titled);

        let text = campaign_text().replace("2023-12-24T17", "2023-12-25T17");
        let longer = Campaign::parse(&text).unwrap();
        let refused = loaded.again(Ok((longer.clone(), None))).await.unwrap_err().sentence;
        assert!(refused.contains("opens_at, closes_at or zone differs"), "{refused}");
        journal.append(0, 0, Record::Rules(rules(&longer)).encode()).await.unwrap();
        assert_eq!(loaded.again(Ok((longer.clone(), None))).await.unwrap().0, longer);
        assert_eq!(changes(&was, &longer, (&None, &None)), "the rules, as extended");
        let old = loaded.again(Ok((was, None))).await.unwrap_err().sentence;
        assert!(old.contains("the log is wider"), "{old}");
    }

    #[tokio::test(start_paused = true)]
    async fn files_that_do_not_answer_are_given_up_by_name() {
        let files = ["c.toml", "keys"].map(PathBuf::from);
        let refused = in_time(&files, std::future::pending()).await.unwrap_err().sentence;
        assert!(
            refused.starts_with("c.toml and keys could not be read within 10 s; "),
            "{refused}"
        );
    }

    #[test]
    fn texts_may_change_and_are_named() {
        let was = campaign(|_| {});
        let is = campaign(|campaign| {
            campaign.title = "another".to_owned();
            campaign.choices[2].summary = None;
        });
        assert_eq!(changes(&was, &is, (&None, &None)), "title, choices[3]");
        assert_eq!(changes(&was, &was, (&None, &None)), "nothing");
        same_policy(&was, &is).unwrap();
    }

    #[test]
    fn what_decides_who_may_vote_is_refused_by_name() {
        let (was, work) = (campaign(|_| {}), Some(Challenge::Work { bits: 18 }));
        for (is, field) in [
            (campaign(|campaign| campaign.id.push('x')), "id "),
            (campaign(|campaign| campaign.zone = "UTC".to_owned()), "zone "),
            (campaign(|campaign| campaign.followers_only ^= true), "followers_only "),
            (campaign(|campaign| campaign.identity.mode = Mode::Demo), "identity "),
            (campaign(|campaign| campaign.challenge = work), "challenge "),
            (campaign(|campaign| campaign.results = Results::Hidden), "results "),
            (campaign(|campaign| campaign.channels.push("bus".to_owned())), "channels "),
            (campaign(|campaign| campaign.voters_per_day_max += 1), "voters_per_day_max "),
        ] {
            let refused = same_policy(&was, &is).unwrap_err().sentence;
            assert!(refused.starts_with(field), "{refused}");
            for word in ["Some(", "None", "{ ", "Identity", "Demo", "Hidden"] {
                assert!(!refused.contains(word), "{refused}");
            }
        }
        let demo = campaign(|campaign| campaign.identity.mode = Mode::Demo);
        let told = same_policy(&was, &demo).unwrap_err().sentence;
        let words = "the file has mode = \"demo\", this process runs with mode = \"token\"; put";
        assert!(told.contains(words), "{told}");
    }
}
