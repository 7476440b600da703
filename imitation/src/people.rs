//! The people of the imitation: who follows what, and by which openid an account knows them.
//!
//! Invariant: a person's openids and unionid follow from the seed and the person's name alone, so
//! they are the same after a restart. Never here: anything about a real person.

use std::collections::HashMap;

use crate::derive::derived;
use crate::options::{Kind, PerKind};

/// What browsers may make; those of tests come on top.
const NEWCOMERS_MAX: usize = 200_000;

/// What may change about a person.
#[derive(Debug, Default)]
pub(crate) struct State {
    /// Since when, in seconds; none: does not follow.
    pub(crate) follows_since_s: PerKind<Option<i64>>,
    /// Looks through WeChat's snapshot mode: a virtual identity.
    pub(crate) is_snapshot: bool,
    /// Declines whatever is to be authorized.
    pub(crate) refuses: bool,
}

/// All people.
#[derive(Debug)]
pub(crate) struct People {
    seed: u64,
    app_ids: PerKind<String>,
    by_name: HashMap<String, State>,
    names: HashMap<(Kind, String), String>,
}

impl People {
    pub(crate) fn new(seed: u64, service: &str, subscription: Option<&str>) -> Self {
        let mut app_ids = PerKind::<String>::default();
        service.clone_into(app_ids.of_mut(Kind::Service));
        subscription.unwrap_or_default().clone_into(app_ids.of_mut(Kind::Subscription));
        Self { seed, app_ids, by_name: HashMap::new(), names: HashMap::new() }
    }

    /// The person of a name, who is made if need be and then follows nothing.
    pub(crate) fn person(&mut self, name: &str) -> &mut State {
        if !self.by_name.contains_key(name) {
            for kind in Kind::ALL {
                self.names.insert((kind, self.openid(kind, name)), name.to_owned());
            }
        }
        self.by_name.entry(name.to_owned()).or_default()
    }

    /// Whether there is a person of this name.
    pub(crate) fn knows(&self, name: &str) -> bool {
        self.by_name.contains_key(name)
    }

    /// Whether a browser may make another.
    pub(crate) fn takes_newcomers(&self) -> bool {
        self.by_name.len() < NEWCOMERS_MAX
    }

    /// By which openid an account knows a person: 28 characters, of which the account's people have
    /// the first six in common, as WeChat's do.
    pub(crate) fn openid(&self, kind: Kind, name: &str) -> String {
        let app_id = self.app_ids.of(kind);
        let of_account = derived(self.seed, &["account", app_id], 5);
        format!("o{of_account}{}", derived(self.seed, &["openid", app_id, name], 22))
    }

    /// By which unionid both accounts know a person.
    pub(crate) fn unionid(&self, name: &str) -> String {
        let of_platform = derived(self.seed, &["platform"], 5);
        format!("o{of_platform}{}", derived(self.seed, &["unionid", name], 22))
    }

    /// Whose openid this is.
    pub(crate) fn name(&self, kind: Kind, openid: &str) -> Option<&str> {
        self.names.get(&(kind, openid.to_owned())).map(String::as_str)
    }
}
