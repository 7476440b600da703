//! What WeChat knows an organiser's accounts by: the `[wechat]` table of the keys.
//!
//! Never here: any of it in a message or in `Debug`.

use std::fmt;

use toml::Table;

use super::keys::only;

const NAMES: [&str; 4] = ["app_secret", "event_token", "subscription_app_secret", "verify"];
/// WeChat's own have 32 characters at most.
const CHARS_MAX: usize = 128;
/// WeChat takes an event token of 3 to 32 characters. Each message's address has a hash of it
/// beside the two numbers that are hashed with it, so whoever has seen one can try tokens at home,
/// a billion a second: of 7 letters and digits all within an hour. One of 8 takes days, one of 32
/// for ever.
const EVENT_TOKEN_CHARS_MIN: usize = 8;
/// WeChat's have 16.
const VERIFY_CHARS_MAX: usize = 64;

/// The secrets of a campaign's accounts; which of them are needed depends on its identity mode.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct WeChatSecrets {
    /// AppSecret of the account that authorizes.
    pub(crate) app_secret: Option<String>,
    /// The token that events are signed with.
    pub(crate) event_token: Option<String>,
    /// AppSecret of the subscription account, where that is another one.
    pub(crate) subscription_app_secret: Option<String>,
    /// What WeChat's file for a domain is named by, and has in it.
    pub(crate) verify: Option<String>,
}

impl WeChatSecrets {
    /// Those of a file of keys; none if it has no such table.
    pub(super) fn parse(keys: &Table) -> Result<Self, String> {
        let Some(value) = keys.get("wechat") else { return Ok(Self::default()) };
        let table = value.as_table().ok_or("wechat: give a table [wechat]")?;
        only(table, "wechat.", &NAMES)?;
        let [app_secret, event_token_name, subscription_app_secret, verify_name] = NAMES;
        let event_token = secret(table, event_token_name)?;
        if event_token.as_ref().is_some_and(|token| token.len() < EVENT_TOKEN_CHARS_MIN) {
            return Err(format!(
                "wechat.{event_token_name}: a token this short can be guessed from one message of \
                 WeChat; choose one of {EVENT_TOKEN_CHARS_MIN} to 32 letters and digits, best 32 \
                 at random, in the account's settings and here"
            ));
        }
        Ok(Self {
            app_secret: secret(table, app_secret)?,
            event_token,
            subscription_app_secret: secret(table, subscription_app_secret)?,
            verify: verify(table, verify_name)?,
        })
    }
}

/// Part of an address: nothing that means something there.
fn verify(table: &Table, name: &str) -> Result<Option<String>, String> {
    let Some(value) = table.get(name) else { return Ok(None) };
    let text = value.as_str().filter(|text| {
        (1..=VERIFY_CHARS_MAX).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_alphanumeric())
    });
    let fix = || {
        format!(
            "wechat.{name}: of the file MP_verify_NAME.txt that WeChat gives for the domain, give \
             NAME alone, in quotes: letters and digits"
        )
    };
    text.map(|text| Some(text.to_owned())).ok_or_else(fix)
}

fn secret(table: &Table, name: &str) -> Result<Option<String>, String> {
    let Some(value) = table.get(name) else { return Ok(None) };
    let text = value.as_str().filter(|text| {
        (1..=CHARS_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
    });
    let fix = || format!("wechat.{name}: give it in quotes, as the account's settings show it");
    text.map(|text| Some(text.to_owned())).ok_or_else(fix)
}

impl fmt::Debug for WeChatSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WeChatSecrets(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_is_read_and_what_is_not_is_none() {
        let keys = "[wechat]\napp_secret = \"a\"\nevent_token = \"12345678\"".parse().unwrap();
        let secrets = WeChatSecrets::parse(&keys).unwrap();
        assert_eq!(secrets.app_secret.as_deref(), Some("a"));
        assert_eq!(secrets.event_token.as_deref(), Some("12345678"));
        assert_eq!(secrets.subscription_app_secret, None);
        assert_eq!(format!("{secrets:?}"), "WeChatSecrets(..)");
        assert_eq!(WeChatSecrets::parse(&Table::new()), Ok(WeChatSecrets::default()));
    }

    #[test]
    fn the_name_of_wechats_file_is_letters_and_digits_and_nothing_else() {
        let parsed = |value: &str| {
            let keys = format!("[wechat]\nverify = {value}").parse().unwrap();
            WeChatSecrets::parse(&keys).map(|secrets| secrets.verify)
        };
        assert_eq!(parsed("\"aB3x\"").unwrap().as_deref(), Some("aB3x"));
        let (longest, too_long) = ("a".repeat(64), "a".repeat(65));
        assert!(parsed(&format!("\"{longest}\"")).is_ok());
        let wrong = ["MP_verify_aB3x.txt", "", "a b", "a/b", "a.b", "a-b", "\u{e9}", &too_long];
        for value in wrong.map(|text| format!("\"{text}\"")).into_iter().chain(["7".to_owned()]) {
            let problem = parsed(&value).unwrap_err();
            assert!(
                problem.contains("MP_verify_NAME.txt") && problem.contains("give NAME"),
                "{value}"
            );
        }
    }

    #[test]
    fn an_event_token_that_can_be_guessed_is_refused_with_its_fix_and_not_told() {
        let keys = "[wechat]\nevent_token = \"1234567\"".parse().unwrap();
        let problem = WeChatSecrets::parse(&keys).unwrap_err();
        assert!(problem.starts_with("wechat.event_token: "), "{problem}");
        assert!(problem.contains("choose one of 8 to 32"), "{problem}");
        assert!(!problem.contains("1234567"), "{problem}");
    }
}
