//! What an account's address has been told lately: which messages, so that WeChat's retries do
//! nothing twice and get the same reply, and which signatures, so that none speaks for two bodies.
//!
//! Bounded: the oldest are forgotten. No openid is kept: what is kept are hashes under a key that
//! is drawn at the start and ends with the process. Never here: a lock across an await.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use lru::LruCache;

use super::xml::{Deed, Message};

/// WeChat sends a message four times within 20 s. This many are those of a minute at a thousand a
/// second, many times what the account of a newspaper sees. Some 150 bytes each.
const MESSAGES_MAX: usize = 65_536;
/// A signature counts for five minutes; as many as messages.
const SIGNATURES_MAX: usize = 65_536;

type Id = [u8; 16];

/// A message that was handled, and how it was replied to.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Reply {
    /// The text; none where the answer was empty.
    pub(super) text: Option<Arc<str>>,
    /// When, in Unix seconds.
    pub(super) at_s: u64,
}

/// What has been seen.
pub(super) struct Seen {
    key: [u8; 32],
    lately: Mutex<Lately>,
}

struct Lately {
    replies: LruCache<Id, Reply>,
    /// What each signature spoke for.
    bodies: LruCache<Id, Id>,
}

impl Seen {
    /// Nothing yet.
    ///
    /// # Errors
    /// If the machine has no randomness.
    pub(super) fn new() -> Result<Self, getrandom::Error> {
        let mut key = [0; 32];
        getrandom::fill(&mut key)?;
        // They grow with their content: made with a bound, they would take it all at once.
        let (replies, bodies) = (LruCache::unbounded(), LruCache::unbounded());
        Ok(Self { key, lately: Mutex::new(Lately { replies, bodies }) })
    }

    /// Whether a signature speaks for this body, which it does for the first that it comes with.
    pub(super) fn speaks_for(&self, signature: &str, body: &[u8]) -> bool {
        let (signature, body) = (self.id(&[signature.as_bytes()]), self.id(&[body]));
        let mut lately = self.lately.lock().unwrap_or_else(PoisonError::into_inner);
        let first = *lately.bodies.get_or_insert(signature, || body);
        if lately.bodies.len() > SIGNATURES_MAX {
            lately.bodies.pop_lru();
        }
        first == body
    }

    /// The reply to a message, and whether it had it already. `handle` is called for the first of
    /// several that are the same, while the others wait, so it must be quick.
    pub(super) fn once(&self, message: &Message, handle: impl FnOnce() -> Reply) -> (Reply, bool) {
        let id = self.message(message);
        let mut lately = self.lately.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(reply) = lately.replies.get(&id) {
            return (reply.clone(), true);
        }
        let reply = handle();
        lately.replies.push(id, reply.clone());
        if lately.replies.len() > MESSAGES_MAX {
            lately.replies.pop_lru();
        }
        (reply, false)
    }

    /// Has a message handled again when it comes again.
    pub(super) fn forget(&self, message: &Message) {
        let id = self.message(message);
        self.lately.lock().unwrap_or_else(PoisonError::into_inner).replies.pop(&id);
    }

    /// A message is the same if user, second and deed are: two different ones may come within a
    /// second, and the second, such as an unsubscribe, must not be taken for the first.
    fn message(&self, message: &Message) -> Id {
        let (deed, text) = match &message.deed {
            Deed::Subscribe => (0, ""),
            Deed::Unsubscribe => (1, ""),
            Deed::Scan => (2, ""),
            Deed::Text(text) => (3, text.as_str()),
            Deed::Other => (4, ""),
        };
        let at = message.created_at_s.to_be_bytes();
        self.id(&[message.from.as_bytes(), &[0, deed], &at, text.as_bytes()])
    }

    fn id(&self, parts: &[&[u8]]) -> Id {
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
        for part in parts {
            hasher.update(part);
        }
        let mut id = Id::default();
        id.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
        id
    }
}

impl fmt::Debug for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lately = self.lately.lock().unwrap_or_else(PoisonError::into_inner);
        f.debug_struct("Seen").field("messages", &lately.replies.len()).finish_non_exhaustive()
    }
}
