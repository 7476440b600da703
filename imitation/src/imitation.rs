//! The imitation itself: its accounts and its state, which its endpoints, its page and its owner
//! share.
//!
//! Invariant: the state has one lock, held for arithmetic only and never across an await.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use journal::Clock;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::codes::Codes;
use crate::derive::Dice;
use crate::endpoints::Endpoints;
use crate::errcode::{BAD_APP_ID, BAD_SECRET, NO_APP_ID, NO_SECRET};
use crate::options::{Account, Kind, Options, PerKind, Unionids};
use crate::people::People;
use crate::quotas::{Quotas, Used};
use crate::server;
use crate::tokens::Tokens;

/// WeChat gives a server this long for an event.
const EVENT_DEADLINE: Duration = Duration::from_secs(5);

/// An imitation of WeChat. Clones are the same one.
#[derive(Debug, Clone)]
pub struct Imitation(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    clock: Arc<dyn Clock>,
    service: Account,
    subscription: Option<Account>,
    state: Mutex<State>,
}

/// What changes.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) redirect_domain: String,
    pub(crate) events_url: Option<String>,
    pub(crate) event_deadline: Duration,
    pub(crate) unionids: Unionids,
    pub(crate) quotas: Quotas,
    pub(crate) used: PerKind<Used>,
    pub(crate) tokens: PerKind<Tokens>,
    pub(crate) codes: Codes,
    pub(crate) people: People,
    pub(crate) endpoints: Endpoints,
    pub(crate) dice: Dice,
}

impl Imitation {
    /// An imitation with nobody in it yet. Its accounts are bound by unionids where there are two.
    #[must_use]
    pub fn new(options: Options) -> Self {
        let Options { clock, service, subscription, redirect_domain, events_url, seed } = options;
        let of_subscription = subscription.as_ref().map(|account| account.app_id.as_str());
        let people = People::new(seed, &service.app_id, of_subscription);
        let unionids =
            if subscription.is_some() { Unionids::WithConsent } else { Unionids::Unbound };
        let state = State {
            redirect_domain,
            events_url,
            event_deadline: EVENT_DEADLINE,
            unionids,
            quotas: Quotas::default(),
            used: PerKind::default(),
            tokens: PerKind::default(),
            codes: Codes::default(),
            people,
            endpoints: Endpoints::default(),
            dice: Dice::new(seed, clock.now_ms()),
        };
        Self(Arc::new(Shared { clock, service, subscription, state: Mutex::new(state) }))
    }

    /// Answers on a listener until `stop` is cancelled. Then, or when the future is dropped, its
    /// connections are closed at once.
    pub async fn serve(self, listener: TcpListener, stop: CancellationToken) {
        server::serve(self, listener, stop).await;
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn now_ms(&self) -> i64 {
        self.0.clock.now_ms()
    }

    /// An account, if there is one of this kind.
    #[must_use]
    pub fn account(&self, kind: Kind) -> Option<&Account> {
        match kind {
            Kind::Service => Some(&self.0.service),
            Kind::Subscription => self.0.subscription.as_ref(),
        }
    }

    /// The account of an app id.
    pub(crate) fn kind(&self, app_id: &str) -> Option<Kind> {
        let is_it = |kind: &Kind| self.account(*kind).is_some_and(|it| it.app_id == app_id);
        Kind::ALL.into_iter().find(is_it)
    }

    /// The account that proves itself with a secret.
    ///
    /// # Errors
    /// An errcode, if it does not.
    pub(crate) fn proved(&self, app_id: &str, app_secret: &str) -> Result<Kind, i32> {
        if app_id.is_empty() {
            return Err(NO_APP_ID);
        }
        let kind = self.kind(app_id).ok_or(BAD_APP_ID)?;
        match app_secret {
            "" => Err(NO_SECRET),
            secret if self.account(kind).is_some_and(|it| it.app_secret == secret) => Ok(kind),
            _ => Err(BAD_SECRET),
        }
    }
}
