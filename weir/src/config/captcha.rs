//! What a captcha's provider knows the organiser by: the `[captcha]` table of the keys.
//!
//! Never here: any of it in a message or in `Debug`.

use std::fmt;

use toml::Table;

use super::keys::only;

/// Those of providers have some 40 characters.
const CHARS_MAX: usize = 256;

/// The secret of a campaign's captcha, if it has one.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct CaptchaSecret(Option<String>);

impl CaptchaSecret {
    /// That of a file of keys; none if it has no such table.
    pub(super) fn parse(keys: &Table) -> Result<Self, String> {
        let Some(value) = keys.get("captcha") else { return Ok(Self::default()) };
        let table = value.as_table().ok_or("captcha: give a table [captcha]")?;
        only(table, "captcha.", &["secret"])?;
        let text = table.get("secret").and_then(|value| value.as_str()).filter(|text| {
            (1..=CHARS_MAX).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic())
        });
        let fix = || "captcha.secret: give it in quotes, as the provider's settings show it";
        Ok(Self(Some(text.ok_or_else(fix)?.to_owned())))
    }

    /// The secret itself.
    pub(crate) fn secret(&self) -> Option<&str> {
        self.0.as_deref()
    }
}

impl fmt::Debug for CaptchaSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CaptchaSecret(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_is_read_and_what_is_not_is_none() {
        let parsed = |text: &str| CaptchaSecret::parse(&text.parse().unwrap());
        let secret = parsed("[captcha]\nsecret = \"0x4AAA_b-c\"").unwrap();
        assert_eq!(secret.secret(), Some("0x4AAA_b-c"));
        assert_eq!(format!("{secret:?}"), "CaptchaSecret(..)");
        assert_eq!(parsed("").unwrap().secret(), None);
        for wrong in ["captcha = 1", "[captcha]", "[captcha]\nsecret = \"\"", "[captcha]\nkey = 1"]
        {
            assert!(parsed(wrong).unwrap_err().starts_with("captcha"), "{wrong}");
        }
    }
}
