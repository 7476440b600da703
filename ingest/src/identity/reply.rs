//! What the account replies in mode `link`: to the campaign's word the link of that campaign, to
//! who has just followed or scanned a code the links of all that are not over.
//!
//! Never here: a link for anybody but who wrote.

use ballot::Mode;
use journal::Journal;

use super::events::Hearer;
use super::links::{self, Linked};
use super::xml::{Deed, Message};
use crate::edge::Shared;

/// Whoever has followed for less than a day is new.
pub(super) const FRESH_S: u64 = 86_400;
/// Of more than this many campaigns the first are told of: WeChat's longest text has 2,048 bytes.
const CAMPAIGNS_MAX: usize = 4;
/// What of a title is told.
const TITLE_CHARS_MAX: usize = 40;

const NO_ORIGIN: &str = "no link can be sent: say by --public-url where voters find this process";
const NO_RANDOMNESS: &str = "no link can be made: the machine has no randomness";

/// The reply to a message, if there is one.
pub(super) async fn text<J: Journal>(
    edge: &Shared<J>,
    hearers: &[Hearer<'_, J>],
    message: &Message,
    now_ms: i64,
) -> Option<String> {
    let mut parts = Vec::new();
    for one in hearers.iter().filter(|one| one.mode == Mode::Link) {
        let is_over = one.hosted.rules().closes_at_ms() <= now_ms;
        let is_meant = match &message.deed {
            Deed::Text(text) => one.wechat.keyword.as_deref().is_some_and(|word| is(text, word)),
            Deed::Subscribe | Deed::Scan => !is_over,
            Deed::Unsubscribe | Deed::Other => false,
        };
        if is_meant && parts.len() < CAMPAIGNS_MAX {
            parts.extend(part(edge, one, (message, is_over), now_ms).await);
        }
    }
    (!parts.is_empty()).then(|| parts.join("\n\n"))
}

/// What is said about one campaign.
async fn part<J: Journal>(
    edge: &Shared<J>,
    one: &Hearer<'_, J>,
    (message, is_over): (&Message, bool),
    now_ms: i64,
) -> Option<String> {
    let id = one.id();
    let Some(origin) = edge.site.public_url.as_deref() else {
        one.wechat.events.alarm.raise(now_ms, id, &NO_ORIGIN);
        return None;
    };
    let title = &one.hosted.given.campaign.title;
    let title: String = title.chars().take(TITLE_CHARS_MAX).collect();
    if is_over {
        return Some(format!("「{title}」的投票已经结束，结果见：\n{origin}/campaigns/{id}/board"));
    }
    let is_new = message.deed == Deed::Subscribe || one.is_fresh(message, now_ms).await;
    let voter = one.pseudonyms.voter(message.from.as_bytes());
    // Only followers can write to an account, or scan a code as such.
    let linked = Linked { voter, follower: true, fresh: is_new };
    let minted = one.hosted.with_keys(|keys| links::mint(keys, linked, now_ms)).ok()?;
    let Ok(link) = minted else {
        one.wechat.events.alarm.raise(now_ms, id, &NO_RANDOMNESS);
        return None;
    };
    Some(format!(
        "请点击下面的链接，为「{title}」投票。链接五分钟内有效，只能使用一次，请勿转发：\n\
         {origin}/campaigns/{id}#link={link}"
    ))
}

/// Whether a text is the word, however wide its letters are, and whatever space is around it.
fn is(text: &str, word: &str) -> bool {
    folded(text) == folded(word)
}

/// Letters, digits and signs of full width as those of half width; all letters small.
fn folded(text: &str) -> String {
    let narrow = |wide: char| match wide {
        '\u{3000}' => ' ',
        '\u{FF01}'..='\u{FF5E}' => char::from_u32(u32::from(wide) - 0xFEE0).unwrap_or(wide),
        other => other,
    };
    let narrowed: String = text.chars().map(narrow).collect();
    narrowed.trim().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_is_known_in_any_width_and_with_any_space_around_it() {
        for text in ["点赞", " 点赞\n", "\u{3000}点赞\u{3000}"] {
            assert!(is(text, "点赞"), "{text}");
        }
        for text in ["ＴｏｕＰｉａｏ１！", "toupiao1!", "TOUPIAO1！"] {
            assert!(is(text, "TouPiao1！"), "{text}");
        }
        for text in ["", "点", "点赞点赞", "点 赞", "我要点赞"] {
            assert!(!is(text, "点赞"), "{text}");
        }
    }
}
