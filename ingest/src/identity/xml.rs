//! WeChat's messages as they come and the reply as it goes: XML both ways.
//!
//! Invariant: any bytes are a message or an error, never a panic or much memory: no document type,
//! so no entity but XML's own five, few nodes, each field once. What is written stands in CDATA
//! that nothing can end. Never here: a name in a message for people; an openid is somebody's.

use std::fmt::{self, Write as _};

use roxmltree::{Document, Node, ParsingOptions};

use super::signature::digits;

/// WeChat's own have some 20 elements, with a text each and a line break between.
const NODES_MAX: u32 = 256;
/// An openid has 28 characters.
const NAME_CHARS_MAX: usize = 64;
/// Behind the year 9999 nothing happens.
const CREATED_AT_S_MAX: u64 = 253_402_300_799;

/// What somebody did, as far as we care.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Deed {
    /// Follows the account now.
    Subscribe,
    /// Does not any more.
    Unsubscribe,
    /// Scanned a code of the account that they follow.
    Scan,
    /// Wrote this.
    Text(String),
    /// Something else.
    Other,
}

/// A message from WeChat about one user of an account.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Message {
    /// The account, by its original id.
    pub(super) to: String,
    /// The user's openid.
    pub(super) from: String,
    /// When, in Unix seconds.
    pub(super) created_at_s: u64,
    /// What.
    pub(super) deed: Deed,
}

/// Why some bytes are no message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Malformed {
    /// Not XML, not of this form, or larger than any.
    #[error("not a message of WeChat's")]
    Unreadable,
    /// It can be read by nobody without the account's AES key.
    #[error("an encrypted message")]
    Encrypted,
}

impl Message {
    /// The message of these bytes.
    pub(super) fn read(body: &[u8]) -> Result<Self, Malformed> {
        let text = std::str::from_utf8(body).map_err(|_| Malformed::Unreadable)?;
        let options = ParsingOptions {
            allow_dtd: false,
            nodes_limit: NODES_MAX,
            ..ParsingOptions::default()
        };
        let document =
            Document::parse_with_options(text, options).map_err(|_| Malformed::Unreadable)?;
        let root = document.root_element();
        if root.tag_name().name() != "xml" {
            return Err(Malformed::Unreadable);
        }
        let required = |name| field(root, name)?.ok_or(Malformed::Unreadable);
        let (from, encrypted) = (field(root, "FromUserName")?, field(root, "Encrypt")?);
        if from.is_none() && encrypted.is_some() {
            return Err(Malformed::Encrypted);
        }
        let from = name(from.ok_or(Malformed::Unreadable)?)?;
        let to = name(required("ToUserName")?)?;
        let created_at_s = digits(&required("CreateTime")?)
            .filter(|at_s| (1..=CREATED_AT_S_MAX).contains(at_s))
            .ok_or(Malformed::Unreadable)?;
        // Each is read, so that none is there twice.
        let (event, content) = (field(root, "Event")?, field(root, "Content")?);
        let deed = match (required("MsgType")?.as_str(), event.as_deref()) {
            ("text", _) => content.map_or(Deed::Other, Deed::Text),
            ("event", Some("subscribe")) => Deed::Subscribe,
            ("event", Some("unsubscribe")) => Deed::Unsubscribe,
            ("event", Some("SCAN")) => Deed::Scan,
            (_, _) => Deed::Other,
        };
        Ok(Self { to, from, created_at_s, deed })
    }

    /// The passive reply to it with this text.
    pub(super) fn reply(&self, text: &str, at_s: u64) -> String {
        let mut xml = String::with_capacity(256 + text.len());
        xml.push_str("<xml><ToUserName>");
        cdata(&mut xml, &self.from);
        xml.push_str("</ToUserName><FromUserName>");
        cdata(&mut xml, &self.to);
        write!(xml, "</FromUserName><CreateTime>{at_s}</CreateTime>")
            .expect("a string takes whatever is written");
        xml.push_str("<MsgType><![CDATA[text]]></MsgType><Content>");
        cdata(&mut xml, text);
        xml.push_str("</Content></xml>");
        xml
    }
}

/// The text of the field of this name; none if there is no such field.
fn field(root: Node<'_, '_>, name: &str) -> Result<Option<String>, Malformed> {
    let mut found = root.children().filter(|node| node.has_tag_name(name));
    let Some(first) = found.next() else { return Ok(None) };
    if found.next().is_some() || first.children().any(|child| !child.is_text()) {
        return Err(Malformed::Unreadable);
    }
    Ok(Some(first.children().filter_map(|child| child.text()).collect()))
}

/// The name of a user or an account: what WeChat makes them of, so that one is safe wherever it
/// stands.
fn name(text: String) -> Result<String, Malformed> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    if (1..=NAME_CHARS_MAX).contains(&text.len()) && text.bytes().all(allowed) {
        Ok(text)
    } else {
        Err(Malformed::Unreadable)
    }
}

/// A text as CDATA: where it says how CDATA ends, it goes on in the next; what XML does not allow
/// is left out.
fn cdata(xml: &mut String, text: &str) {
    xml.push_str("<![CDATA[");
    for (at, part) in text.split("]]>").enumerate() {
        if at > 0 {
            xml.push_str("]]]]><![CDATA[>");
        }
        xml.extend(part.chars().filter(|char| {
            !matches!(char, '\0'..='\x08' | '\x0B' | '\x0C' | '\x0E'..='\x1F')
                && !matches!(char, '\u{FFFE}' | '\u{FFFF}')
        }));
    }
    xml.push_str("]]>");
}

impl fmt::Debug for Deed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Subscribe => "Subscribe",
            Self::Unsubscribe => "Unsubscribe",
            Self::Scan => "Scan",
            Self::Text(_) => "Text(..)",
            Self::Other => "Other",
        })
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message")
            .field("created_at_s", &self.created_at_s)
            .field("deed", &self.deed)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
#[path = "xml/tests.rs"]
mod tests;
