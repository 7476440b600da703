//! One person, as a test holds them: who they are to an account, and what they do.
//!
//! Setting a state tells nobody; what a person does tells the account's server by an event, which
//! is then sent, or kept to be sent late, twice or never.

use crate::delivery::{Delivered, Undelivered};
use crate::event::{Event, Message, Sender};
use crate::imitation::Imitation;
use crate::options::Kind;
use crate::people::State;

/// What a browser is known by. Cookies know no ports: it goes to everything on the same host.
pub(crate) const COOKIE: &str = "imitation-of-wechat";

/// A person in an imitation. Clones are the same person.
#[derive(Debug, Clone)]
pub struct Person {
    imitation: Imitation,
    name: String,
}

impl Person {
    pub(crate) const fn new(imitation: Imitation, name: String) -> Self {
        Self { imitation, name }
    }

    /// What the imitation calls them.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// By which openid an account knows them: 28 characters, an `o` first.
    #[must_use]
    pub fn openid(&self, kind: Kind) -> String {
        self.imitation.state().people.openid(kind, &self.name)
    }

    /// By which unionid both accounts know them.
    #[must_use]
    pub fn unionid(&self) -> String {
        self.imitation.state().people.unionid(&self.name)
    }

    /// The `name=value` of the cookie by which the authorize page knows their browser.
    #[must_use]
    pub fn cookie(&self) -> String {
        let value: String = form_urlencoded::byte_serialize(self.name.as_bytes()).collect();
        format!("{COOKIE}={value}")
    }

    /// Whether they follow an account.
    #[must_use]
    pub fn follows(&self, kind: Kind) -> bool {
        self.with(|state| state.follows_since_s.of(kind).is_some())
    }

    /// Has them follow an account or not, without an event.
    pub fn set_follows(&self, kind: Kind, follows: bool) {
        let now_s = self.imitation.now_ms() / 1_000;
        self.with(|state| {
            let since_s = state.follows_since_s.of_mut(kind);
            *since_s = follows.then(|| since_s.unwrap_or(now_s));
        });
    }

    /// Has them look through WeChat's snapshot mode or not: then whoever signs them in is given a
    /// virtual identity, another each time.
    pub fn set_snapshot(&self, is_snapshot: bool) {
        self.with(|state| state.is_snapshot = is_snapshot);
    }

    /// Has them decline to be signed in or not.
    pub fn set_refuses(&self, refuses: bool) {
        self.with(|state| state.refuses = refuses);
    }

    /// Has them do something now; the event that tells of it is returned unsent. Whoever scans a
    /// code of an account that they do not follow, follows it, and the event is `subscribe`.
    #[must_use]
    pub fn act(&self, kind: Kind, event: &Event) -> Message {
        let followed = self.follows(kind);
        match event {
            Event::Subscribe | Event::Scan(_) => self.set_follows(kind, true),
            Event::Unsubscribe => self.set_follows(kind, false),
            Event::Text(_) => {}
        }
        let number = self.imitation.state().dice.digits();
        let now_ms = self.imitation.now_ms();
        let sender = Sender { kind, openid: self.openid(kind), followed, now_ms, number };
        Message::new(&sender, event)
    }

    /// Has them do something now, and sends the event that tells of it; see
    /// [`Imitation::deliver`].
    ///
    /// # Errors
    /// If nobody takes the event, or the answer is none that WeChat could show.
    pub async fn send(&self, kind: Kind, event: Event) -> Result<Delivered, Undelivered> {
        if matches!(event, Event::Text(_)) && !self.follows(kind) {
            return Err(Undelivered::NotAFollower);
        }
        let message = self.act(kind, &event);
        self.imitation.deliver(&message).await
    }

    pub(crate) fn with<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(self.imitation.state().people.person(&self.name))
    }
}
