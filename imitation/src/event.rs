//! Events and messages: the XML that WeChat posts to an account's server, and its signature.
//!
//! Invariant: a message is the same to the byte however often it is sent, so whoever compares
//! `FromUserName` and `CreateTime` knows it again. Never here: who it is sent to.

use sha1::{Digest as _, Sha1};

use crate::options::Kind;

/// What a person does with an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Follows it.
    Subscribe,
    /// Follows it no more.
    Unsubscribe,
    /// Scans a code of it that carries this text.
    Scan(String),
    /// Sends it a message.
    Text(String),
}

/// Who does it, and when.
#[derive(Debug)]
pub(crate) struct Sender {
    pub(crate) kind: Kind,
    pub(crate) openid: String,
    /// Whether they followed the account before.
    pub(crate) followed: bool,
    pub(crate) now_ms: i64,
    /// For the message's id.
    pub(crate) number: String,
}

/// An event as it is sent.
#[derive(Debug, Clone)]
pub struct Message {
    pub(crate) kind: Kind,
    pub(crate) openid: String,
    xml: String,
}

impl Message {
    pub(crate) fn new(sender: &Sender, event: &Event) -> Self {
        let mut xml = "<xml>".to_owned();
        element(&mut xml, "ToUserName", original_id(sender.kind));
        element(&mut xml, "FromUserName", &sender.openid);
        xml += &format!("<CreateTime>{}</CreateTime>", sender.now_ms / 1_000);
        match event {
            Event::Subscribe => happened(&mut xml, "subscribe", ""),
            Event::Unsubscribe => happened(&mut xml, "unsubscribe", ""),
            Event::Scan(scene) if sender.followed => happened(&mut xml, "SCAN", scene),
            Event::Scan(scene) => happened(&mut xml, "subscribe", &format!("qrscene_{scene}")),
            Event::Text(text) => {
                element(&mut xml, "MsgType", "text");
                element(&mut xml, "Content", text);
                xml += &format!("<MsgId>24{}</MsgId>", sender.number);
            }
        }
        xml.push_str("</xml>");
        Self { kind: sender.kind, openid: sender.openid.clone(), xml }
    }

    /// The body that is posted.
    #[must_use]
    pub fn xml(&self) -> &str {
        &self.xml
    }
}

fn happened(xml: &mut String, name: &str, key: &str) {
    element(xml, "MsgType", "event");
    element(xml, "Event", name);
    element(xml, "EventKey", key);
}

fn element(xml: &mut String, name: &str, text: &str) {
    // The one thing that must not be within CDATA is its end: it is split over two.
    let text = text.replace("]]>", "]]]]><![CDATA[>");
    *xml += &format!("<{name}><![CDATA[{text}]]></{name}>");
}

/// What an account is called in messages, which is not its app id.
pub(crate) const fn original_id(kind: Kind) -> &'static str {
    match kind {
        Kind::Service => "gh_0123456789ab",
        Kind::Subscription => "gh_ba9876543210",
    }
}

/// What WeChat signs a request with: the SHA-1, in lower-case hex, of the account's event token,
/// the timestamp and the nonce, sorted and put together.
#[must_use]
pub fn signature(event_token: &str, timestamp: &str, nonce: &str) -> String {
    let mut parts = [event_token, timestamp, nonce];
    parts.sort_unstable();
    let hash = Sha1::digest(parts.concat().as_bytes());
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_the_hash_of_the_sorted_parts_together() {
        // printf '%s' 1702865000nonceweixin | sha1sum
        assert_eq!(
            signature("weixin", "1702865000", "nonce"),
            "cd9643a1780017ac0e4d5e2b7e3cc237d995522d"
        );
    }

    #[test]
    fn no_text_ends_its_element() {
        let text = "a]]></Content><x/>&lt;]]]>".to_owned();
        let (openid, number) = ("o".to_owned(), "1".to_owned());
        let sender = Sender { kind: Kind::Service, openid, followed: true, now_ms: 5_999, number };
        let message = Message::new(&sender, &Event::Text(text.clone()));
        let document = roxmltree::Document::parse(message.xml()).unwrap();
        let inner = |name| {
            let found = document.descendants().find(|node| node.has_tag_name(name)).unwrap();
            found.descendants().filter(|it| it.is_text()).filter_map(|it| it.text()).collect()
        };
        let (content, time): (String, String) = (inner("Content"), inner("CreateTime"));
        assert_eq!((content, time.as_str()), (text, "5"));
    }
}
