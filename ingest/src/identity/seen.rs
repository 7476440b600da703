//! What an account's address has been told lately: which messages, so that WeChat's retries do
//! nothing twice and get the same reply, and which signatures, so that none speaks for two bodies.
//!
//! Bounded: the oldest are forgotten. No openid is kept: what is kept are hashes under a key that
//! is drawn at the start and ends with the process. Never here: a lock across an await.

use std::array;
use std::fmt;
use std::hash::{BuildHasher as _, RandomState};
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lru::LruCache;

use super::xml::{Deed, Message};

/// WeChat sends a message four times within 20 s. This many are those of a minute at a thousand a
/// second, many times what the account of a newspaper sees. Some 150 bytes each.
const MESSAGES_MAX: NonZeroUsize = NonZeroUsize::new(65_536).expect("it is not zero");
/// A signature counts for five minutes; as many as messages.
const SIGNATURES_MAX: NonZeroUsize = NonZeroUsize::new(65_536).expect("it is not zero");

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
    pub(super) fn new() -> Self {
        // They take memory only as they are used.
        let (replies, bodies) = (LruCache::sparse(MESSAGES_MAX), LruCache::sparse(SIGNATURES_MAX));
        Self { key: key(), lately: Mutex::new(Lately { replies, bodies }) }
    }

    /// Whether a signature speaks for this body, which it does for the first that it comes with.
    pub(super) fn speaks_for(&self, signature: &str, body: &[u8]) -> bool {
        let (signature, body) = (self.id(&[signature.as_bytes()]), self.id(&[body]));
        *self.lately().bodies.get_or_insert(signature, || body) == body
    }

    /// The reply that a message has had.
    pub(super) fn find(&self, message: &Message) -> Option<Reply> {
        let id = self.message(message);
        self.lately().replies.get(&id).cloned()
    }

    /// Keeps the reply to a message that has been acted upon, and answers whether it is the first.
    /// If not, the first stays, and it is what is answered.
    pub(super) fn keep(&self, message: &Message, reply: Reply) -> (Reply, bool) {
        let id = self.message(message);
        let mut lately = self.lately();
        let is_first = !lately.replies.contains(&id);
        (lately.replies.get_or_insert(id, || reply).clone(), is_first)
    }

    fn lately(&self) -> MutexGuard<'_, Lately> {
        self.lately.lock().unwrap_or_else(PoisonError::into_inner)
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

/// 32 bytes that nobody knows: std draws the keys of its hashers from the system.
fn key() -> [u8; 32] {
    let words: [u64; 4] = array::from_fn(|word| RandomState::new().hash_one(word));
    let mut key = [0; 32];
    for (place, word) in key.chunks_exact_mut(8).zip(words) {
        place.copy_from_slice(&word.to_be_bytes());
    }
    key
}

impl fmt::Debug for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Seen")
            .field("messages", &self.lately().replies.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(from: &str, created_at_s: u64, deed: Deed) -> Message {
        Message { to: "gh_1".to_owned(), from: from.to_owned(), created_at_s, deed }
    }

    fn reply(text: &str) -> Reply {
        Reply { text: Some(text.into()), at_s: 1 }
    }

    #[test]
    fn a_message_that_was_acted_upon_has_the_reply_of_the_first_time() {
        let seen = Seen::new();
        let first = message("o1", 1, Deed::Text("a".to_owned()));
        assert!(seen.find(&first).is_none());
        assert!(seen.keep(&first, reply("1")) == (reply("1"), true));
        assert!(seen.find(&first.clone()) == Some(reply("1")));
        assert!(seen.keep(&first, reply("2")) == (reply("1"), false), "two came at once");
        assert!(Seen::new().key != seen.key);
    }

    #[test]
    fn what_differs_in_user_second_or_deed_is_another_message() {
        let seen = Seen::new();
        let text = |text: &str| Deed::Text(text.to_owned());
        for message in [
            message("o1", 1, Deed::Subscribe),
            message("o1", 1, Deed::Unsubscribe),
            message("o1", 1, Deed::Scan),
            message("o1", 1, Deed::Other),
            message("o1", 1, text("")),
            message("o1", 1, text("a")),
            message("o1", 2, Deed::Subscribe),
            message("o2", 1, Deed::Subscribe),
        ] {
            assert!(seen.keep(&message, reply("")).1, "{message:?}");
        }
    }

    #[test]
    fn a_signature_speaks_for_the_first_body_it_comes_with() {
        let seen = Seen::new();
        assert!(seen.speaks_for("s1", b"body"));
        assert!(seen.speaks_for("s1", b"body"), "WeChat sends it again");
        assert!(!seen.speaks_for("s1", b"another"));
        assert!(seen.speaks_for("s2", b"another"));
    }

    #[test]
    fn no_more_than_the_bound_is_kept_and_the_newest_always_is() {
        let seen = Seen::new();
        let max = MESSAGES_MAX.get() as u64;
        for at in 0..max + 10 {
            assert!(seen.keep(&message("o1", at, Deed::Scan), reply("")).1);
            assert!(seen.speaks_for(&at.to_string(), b""));
        }
        assert!(seen.find(&message("o1", 10, Deed::Scan)).is_some());
        assert!(seen.find(&message("o1", 9, Deed::Scan)).is_none());
        assert!(!seen.speaks_for("10", b"body"));
        assert!(seen.speaks_for("9", b"body"), "forgotten");
        let lately = seen.lately();
        assert_eq!((lately.replies.len(), lately.bodies.len()), (65_536, 65_536));
    }
}
