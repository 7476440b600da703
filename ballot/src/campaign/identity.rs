//! How a campaign knows its voters: the `[identity]` table of its file.
//!
//! Names of accounts and their ids are no secrets; what signs or authorises is in the campaign's
//! keys and never here. A field that the chosen mode does not use is refused: whoever wrote it
//! meant another mode.

use toml::de::DeValue as Value;

use super::error::Problems;
use super::read::{Fields, TEXT, text};

/// WeChat's own ids have 18 characters.
const APP_ID_CHARS_MAX: usize = 64;
/// A name, or a word to send to an account.
const NAME_CHARS_MAX: usize = 64;

const FIELDS: [&str; 5] = ["mode", "account", "app_id", "subscription_app_id", "keyword"];
const MODE: &str = "give \"service\", \"unionid\", \"link\", \"token\" or \"demo\"";
const APP_ID: &str = "give the account's AppID, such as \"wx0123456789abcdef\"";

/// How voters sign in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// By WeChat's authorization on a verified service account, which they follow.
    Service,
    /// By WeChat's authorization on a service account, while they follow a subscription account of
    /// the same owner; the two are joined by the `unionid`.
    Unionid,
    /// By a link that the subscription account sends to whoever sends it a word.
    Link,
    /// With a token that another system has made.
    Token,
    /// As anybody: a new voter for each browser, to try things out.
    Demo,
}

impl Mode {
    /// Its name in campaign files and documents.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Service => "service",
            Self::Unionid => "unionid",
            Self::Link => "link",
            Self::Token => "token",
            Self::Demo => "demo",
        }
    }

    /// Whether voters are known by their WeChat accounts.
    #[must_use]
    pub const fn is_wechat(self) -> bool {
        match self {
            Self::Service | Self::Unionid | Self::Link => true,
            Self::Token | Self::Demo => false,
        }
    }

    /// Whether voters are sent to WeChat's authorization.
    #[must_use]
    pub const fn authorizes(self) -> bool {
        match self {
            Self::Service | Self::Unionid => true,
            Self::Link | Self::Token | Self::Demo => false,
        }
    }
}

/// How a campaign's voters are known, without secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// How they sign in.
    pub mode: Mode,
    /// The official account that they follow; given wherever WeChat is the way in.
    pub account: Option<String>,
    /// AppID of the service account that authorizes.
    pub app_id: Option<String>,
    /// AppID of the subscription account that is followed in `unionid` mode.
    pub subscription_app_id: Option<String>,
    /// The word to send to the account in `link` mode.
    pub keyword: Option<String>,
}

impl Identity {
    /// The same campaign's voters, known in another way: for trying it out.
    #[must_use]
    pub fn with_mode(&self, mode: Mode) -> Self {
        Self { mode, ..self.clone() }
    }
}

impl Default for Identity {
    fn default() -> Self {
        let (account, app_id, subscription_app_id, keyword) = (None, None, None, None);
        Self { mode: Mode::Token, account, app_id, subscription_app_id, keyword }
    }
}

/// The table, where it stands.
pub(super) fn identity(
    value: &toml::Spanned<Value<'_>>,
    problems: &Problems<'_>,
) -> Option<Identity> {
    let Some(table) = value.get_ref().as_table() else {
        problems.add(
            value.span(),
            "identity".to_owned(),
            format!("give a table [identity]; {MODE}"),
        );
        return None;
    };
    let fields = Fields::open(table, value.span(), "identity.".to_owned(), problems);
    fields.only(&FIELDS);
    // Every field is read before the first `?`, so that all problems are noted.
    let mode = fields.require("mode", MODE, mode);
    let account = fields.read("account", |value| text(value, NAME_CHARS_MAX));
    let app_id = fields.read("app_id", app_id);
    let subscription_app_id = fields.read("subscription_app_id", self::app_id);
    let keyword = fields.read("keyword", |value| text(value, NAME_CHARS_MAX));
    let mode = mode?;
    let name = mode.name();
    for (field, hint, wanted, allowed) in [
        ("account", TEXT, mode.is_wechat(), true),
        ("app_id", APP_ID, mode.authorizes(), mode.authorizes()),
        ("subscription_app_id", APP_ID, mode == Mode::Unionid, mode == Mode::Unionid),
        ("keyword", TEXT, mode == Mode::Link, mode == Mode::Link),
    ] {
        if wanted && !fields.has(field) {
            fields.wrong::<()>(field, format!("is missing in mode {name:?}; {hint}"));
        } else if !allowed && fields.has(field) {
            fields.wrong::<()>(field, format!("has no meaning in mode {name:?}; remove it"));
        }
    }
    Some(Identity { mode, account, app_id, subscription_app_id, keyword })
}

fn mode(value: &Value<'_>) -> Result<Mode, String> {
    let name = text(value, NAME_CHARS_MAX)?;
    let all = [Mode::Service, Mode::Unionid, Mode::Link, Mode::Token, Mode::Demo];
    let found = all.into_iter().find(|mode| mode.name() == name);
    found.ok_or_else(|| format!("{name:?} is no mode; {MODE}"))
}

fn app_id(value: &Value<'_>) -> Result<String, String> {
    let id = text(value, APP_ID_CHARS_MAX)?;
    if id.chars().all(|c| c.is_ascii_alphanumeric()) {
        Ok(id)
    } else {
        Err(format!("{id:?} is no AppID; {APP_ID}"))
    }
}
