//! How voters sign in at this process: WeChat's accounts as the campaign and its keys have them, or
//! the imitation of WeChat, which runs here then.
//!
//! Never here: a secret in the log; a call to WeChat for a campaign that does not use it.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ballot::{Campaign, Mode, hex};
use imitation::{Imitation, Options};
use ingest::wechat::{Account, Follows, Metrics, WeChat};
use ingest::{SignIn, WeChatSignIn};
use journal::Clock;
use tokio::net::TcpListener;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::working::Tasks;
use super::{Ports, origin};
use crate::config::Keys;
use crate::exit::Failure;
use crate::identity::{IMITATION_APP_ID, IMITATION_SUBSCRIPTION_APP_ID, captcha, secrets};
use crate::say;

/// How long after a campaign's close it is kept who follows: an audit's time.
const RETENTION_MS: i64 = 30 * 86_400_000;
/// A row may be kept that much longer than is said.
const PURGE_EVERY: Duration = Duration::from_secs(3_600);
/// So that a person of the imitation is the same voter after a restart.
const SEED: u64 = 1;
/// The imitation's secrets open nothing else.
const IMITATED: &str = "imitated";

/// What the sign-ins of a process share.
#[derive(Debug)]
pub(super) struct SignIns {
    pub(super) clock: Arc<dyn Clock>,
    pub(super) metrics: Metrics,
    /// Where it is kept who follows; none: in memory.
    pub(super) data: Option<PathBuf>,
    /// Where WeChat is imitated, if it is.
    pub(super) imitated: Option<Imitated>,
    /// The event tokens of the campaigns so far, each with its account.
    pub(super) heard: Mutex<Vec<(String, String)>>,
}

/// Where WeChat is imitated, and what it signs its events with.
#[derive(Debug)]
pub(super) struct Imitated {
    origin: String,
    event_token: String,
}

impl SignIns {
    /// The way in of one campaign; what it needs to hear of is among `tasks`.
    pub(super) fn of(
        &self,
        campaign: &Campaign,
        keys: &Keys,
        tasks: &mut Tasks,
    ) -> Result<SignIn, Failure> {
        let mode = campaign.identity.mode;
        if mode == Mode::Demo || self.imitated.is_some() {
            let (campaign, mode) = (&campaign.id, mode.name());
            tracing::warn!(campaign, mode, "voters are not checked here: it is to try things out");
        }
        let wechat = if mode.is_wechat() { Some(self.wechat(campaign, keys)?) } else { None };
        let pseudonyms = Some(keys.pseudonym_key());
        let captcha = captcha(campaign, keys)?;
        let sign_in = SignIn { mode, pseudonyms, wechat: wechat.map(Arc::new), captcha };
        if let Some(wechat) = sign_in.wechat.clone() {
            let clock = Arc::clone(&self.clock);
            tasks.spawn(async move {
                purge(&wechat.follows, &*clock).await;
                "the purge of who follows"
            });
        }
        let learning = sign_in.learn_subscribers(&campaign.id, Arc::clone(&self.clock));
        tasks.spawn(async move {
            learning.await;
            "the learning of subscribers"
        });
        Ok(sign_in)
    }

    fn wechat(&self, campaign: &Campaign, keys: &Keys) -> Result<WeChatSignIn, Failure> {
        let identity = &campaign.identity;
        let (app_secret, event_token, subscription_secret) = match &self.imitated {
            Some(imitated) => {
                let secret = Some(IMITATED.to_owned());
                (secret.clone(), Some(imitated.event_token.clone()), secret)
            }
            None => {
                let secrets = secrets(campaign, keys)?.clone();
                (secrets.app_secret, secrets.event_token, secrets.subscription_app_secret)
            }
        };
        let event_token = event_token.unwrap_or_default();
        self.hear(campaign, &event_token)?;
        let service = self.account(campaign, identity.app_id.as_deref().zip(app_secret))?;
        let subscribed = identity.subscription_app_id.as_deref().zip(subscription_secret);
        Ok(WeChatSignIn {
            service,
            subscription: self.account(campaign, subscribed)?,
            event_token,
            account: identity.account.clone().unwrap_or_default(),
            verify: keys.wechat().verify.clone(),
            keyword: identity.keyword.clone(),
            follows: self.follows(campaign)?,
            links: ingest::Links::default(),
            events: ingest::Events::default(),
        })
    }

    /// Refuses an event token that two accounts share: events tell nothing else of whose they are.
    fn hear(&self, campaign: &Campaign, event_token: &str) -> Result<(), Failure> {
        let account = campaign.identity.account.clone().unwrap_or_default();
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        let another = |(token, of): &(String, String)| token == event_token && *of != account;
        if self.imitated.is_none() && heard.iter().any(another) {
            return Err(Failure::configuration(format!(
                "{}: the keys have the [wechat] event_token of another account; give each account \
                 a token of its own, in its settings and here",
                campaign.id
            )));
        }
        heard.push((event_token.to_owned(), account));
        Ok(())
    }

    fn account(
        &self,
        campaign: &Campaign,
        given: Option<(&str, String)>,
    ) -> Result<Option<WeChat>, Failure> {
        let Some((id, secret)) = given else { return Ok(None) };
        let account = Account::new(id, secret);
        let account = match &self.imitated {
            Some(Imitated { origin, .. }) => {
                Account { api: origin.clone(), authorize: origin.clone(), ..account }
            }
            None => account,
        };
        let made = WeChat::new(account, Arc::clone(&self.clock), self.metrics.clone());
        let wrong = |error| Failure::configuration(format!("{}: {error}", campaign.id));
        made.map(Some).map_err(wrong)
    }

    /// Who follows: on the disk only where WeChat cannot be asked about whoever comes.
    fn follows(&self, campaign: &Campaign) -> Result<Follows, Failure> {
        let Some(data) = self.data.as_deref().filter(|_| campaign.identity.mode == Mode::Unionid)
        else {
            return Ok(Follows::in_memory());
        };
        let now_ms = self.clock.now_ms();
        let kept_ms = campaign.closes_at_ms - campaign.opens_at_ms + RETENTION_MS;
        let retention = Duration::from_millis(kept_ms.unsigned_abs());
        let path = follows_file(data, &campaign.id);
        let wrong = |error| Failure::configuration(format!("--identity-data: {error}"));
        std::fs::create_dir_all(data).map_err(|error| {
            let name = data.display();
            Failure::configuration(format!("--identity-data {name}: cannot be made: {error}"))
        })?;
        Follows::open(&path, retention, now_ms).map_err(wrong)
    }
}

/// Forgets whoever was heard of longer ago than is kept, for ever.
async fn purge(follows: &Follows, clock: &dyn Clock) {
    loop {
        sleep(PURGE_EVERY).await;
        if let Err(error) = follows.purge(clock.now_ms()).await {
            tracing::warn!(%error, "old follow state was not deleted; it is tried again");
        }
    }
}

/// Where it is kept who follows. Not named as journals are, which are looked for.
pub(crate) fn follows_file(data: &Path, campaign: &str) -> PathBuf {
    data.join(format!("{campaign}.follows"))
}

/// Runs the imitation of WeChat on this machine, for voters who are sent to `public_url`, and
/// answers where it is.
pub(super) async fn imitate(
    public_url: &str,
    api: &Ports,
    clock: &Arc<dyn Clock>,
    tasks: &mut Tasks,
) -> Result<Imitated, Failure> {
    let failed = |error| Failure::internal(format!("the imitation of WeChat: {error}"));
    let listener = TcpListener::bind("127.0.0.1:0").await.map_err(failed)?;
    let here = origin(listener.local_addr().map_err(failed)?);
    // Whoever knew it could be anybody.
    let mut random = [0; 16];
    getrandom::fill(&mut random)
        .map_err(|error| Failure::internal(format!("no randomness for the imitation: {error}")))?;
    let event_token = hex(&random);
    let account = |id: &str| imitation::Account {
        app_id: id.to_owned(),
        app_secret: IMITATED.to_owned(),
        event_token: event_token.clone(),
    };
    say(&format!(
        "WeChat is imitated at {here}/imitation: there you choose whom it takes you for."
    ));
    let domain = public_url.split_once("://").map_or(public_url, |(_, host)| host);
    let imitation = Imitation::new(Options {
        clock: Arc::clone(clock),
        service: account(IMITATION_APP_ID),
        subscription: Some(account(IMITATION_SUBSCRIPTION_APP_ID)),
        redirect_domain: domain.to_owned(),
        events_url: Some(format!("{}/wechat/events", origin(api.api_address))),
        seed: SEED,
    });
    tasks.spawn(async move {
        // It ends with the process: nothing of it is to be kept.
        imitation.serve(listener, CancellationToken::new()).await;
        "the imitation of WeChat"
    });
    Ok(Imitated { origin: here, event_token })
}
