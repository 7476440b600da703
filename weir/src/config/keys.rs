//! The keys of one campaign: the one behind the pseudonyms, and those that sign tokens.
//!
//! The file is made once, readable for its owner only. Never here: a secret in a message, or keys
//! made anew where a journal has ballots: every voter could vote a second time.

use std::fmt;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use ballot::{PseudonymKey, TokenKeys, hex, unhex};
use toml::{Table, Value};

use super::captcha::CaptchaSecret;
use super::directory::{KEYS, write_new};
use super::wechat::WeChatSecrets;
use crate::exit::Failure;

const HEX: &str = "give 64 hexadecimal digits in quotes";
const TOKEN_KEYS: &str = "give one or two tables [[token_keys]] with id and secret";

/// Where a campaign's keys are, of what `--keys` gives: a file, or a directory with a file for each
/// campaign. One that is still to be made is a directory if it ends with a slash.
pub(crate) fn file(given: &Path, campaign: &str) -> PathBuf {
    if given.is_dir() || given.as_os_str().as_encoded_bytes().ends_with(b"/") {
        given.join(format!("{campaign}.{KEYS}"))
    } else {
        given.to_owned()
    }
}

/// A campaign's keys.
#[derive(Clone)]
pub(crate) struct Keys {
    pseudonym_key: [u8; 32],
    token_keys: Vec<(u8, [u8; 32])>,
    wechat: WeChatSecrets,
    captcha: CaptchaSecret,
}

impl Keys {
    /// The keys of a file; `None` if there is no such file.
    pub(crate) fn read(path: &Path) -> Result<Option<Self>, Failure> {
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(wrong(path, &format!("cannot be read: {error}"))),
        };
        let mode = fs::metadata(path).map_or(0, |metadata| metadata.permissions().mode());
        if mode & 0o027 != 0 {
            tracing::warn!(file = %path.display(), "others can read these keys; chmod 600");
        }
        Self::parse(&text).map(Some).map_err(|problem| wrong(path, &problem))
    }

    /// The keys of a file that must be there; `fix` says what to do if it is not.
    pub(crate) fn existing(path: &Path, fix: &str) -> Result<Self, Failure> {
        let name = path.display();
        let missing =
            || Failure::configuration(format!("--keys {name}: there is no such file; {fix}"));
        Self::read(path)?.ok_or_else(missing)
    }

    /// New keys, written to a file; or those that another has written there meanwhile, and then
    /// `false`.
    pub(crate) fn make(path: &Path) -> Result<(Self, bool), Failure> {
        let random = || {
            let mut bytes = [0; 32];
            getrandom::fill(&mut bytes)
                .map(|()| bytes)
                .map_err(|error| Failure::internal(format!("no randomness for keys: {error}")))
        };
        let (pseudonym_key, token_keys) = (random()?, vec![(1, random()?)]);
        let (wechat, captcha) = (WeChatSecrets::default(), CaptchaSecret::default());
        let keys = Self { pseudonym_key, token_keys, wechat, captcha };
        let made = write_new(path, &keys.to_toml()).map_err(|error| {
            Failure::configuration(format!("{}: cannot be written: {error}", path.display()))
        })?;
        if made {
            return Ok((keys, true));
        }
        Self::existing(path, "it was there a moment ago; try again").map(|keys| (keys, false))
    }

    /// What turns identities into voters.
    pub(crate) fn pseudonym_key(&self) -> PseudonymKey {
        PseudonymKey::new(&self.pseudonym_key)
    }

    /// What signs and checks the campaign's tokens.
    pub(crate) fn token_keys(&self, campaign: &str) -> Result<TokenKeys, Failure> {
        TokenKeys::new(campaign, &self.token_keys)
            .map_err(|error| Failure::configuration(format!("token_keys: {error}")))
    }

    /// The ids of the token keys, the signing one first; they are in every token.
    pub(crate) fn token_key_ids(&self) -> String {
        let ids = self.token_keys.iter().map(|(id, _)| id.to_string());
        ids.collect::<Vec<_>>().join(", ")
    }

    /// What WeChat knows this campaign's accounts by.
    pub(crate) fn wechat(&self) -> &WeChatSecrets {
        &self.wechat
    }

    /// What the campaign's captcha is checked with.
    pub(crate) fn captcha(&self) -> &CaptchaSecret {
        &self.captcha
    }

    /// The ids of those token keys that both have, with another secret each.
    pub(crate) fn token_keys_replaced_by(&self, other: &Self) -> Vec<u8> {
        let is_other = |(id, secret): &&(u8, [u8; 32])| {
            other.token_keys.iter().any(|(its, other)| its == id && other != secret)
        };
        self.token_keys.iter().filter(is_other).map(|(id, _)| *id).collect()
    }

    fn to_toml(&self) -> String {
        let mut text = format!(
            "# The keys of one campaign. Whoever has them can vote for anybody: keep them secret.\n\
             # Whoever loses pseudonym_key cannot go on with the campaign: keep a copy.\n\n\
             pseudonym_key = \"{}\"\n",
            hex(&self.pseudonym_key)
        );
        for (id, secret) in &self.token_keys {
            let secret = hex(secret);
            text.push_str(&format!("\n[[token_keys]]\nid = {id}\nsecret = \"{secret}\"\n"));
        }
        text
    }

    fn parse(text: &str) -> Result<Self, String> {
        // Only the place is told: the parser's own message may show what stands there.
        let table: Table = text.parse().map_err(|error: toml::de::Error| {
            let start = error.span().map_or(0, |span| span.start);
            let line = 1 + text.bytes().take(start).filter(|byte| *byte == b'\n').count();
            format!("line {line}: this is not TOML; mend the syntax")
        })?;
        only(&table, "", &["pseudonym_key", "token_keys", "wechat", "captcha"])?;
        let pseudonym_key = secret(&table, "", "pseudonym_key")?;
        let list = table.get("token_keys").and_then(Value::as_array);
        let list = list.ok_or_else(|| format!("token_keys: {TOKEN_KEYS}"))?;
        let token_keys = list.iter().zip(1..).map(|(value, place)| token_key(value, place));
        let token_keys: Vec<_> = token_keys.collect::<Result<_, _>>()?;
        match token_keys.as_slice() {
            [_] => {}
            [(first, _), (second, _)] if first != second => {}
            [_, _] => return Err("token_keys[2].id: is that of the first; give another".into()),
            [] | [_, ..] => return Err(format!("token_keys: {TOKEN_KEYS}")),
        }
        let (wechat, captcha) = (WeChatSecrets::parse(&table)?, CaptchaSecret::parse(&table)?);
        Ok(Self { pseudonym_key, token_keys, wechat, captcha })
    }
}

fn token_key(value: &Value, place: usize) -> Result<(u8, [u8; 32]), String> {
    let path = format!("token_keys[{place}].");
    let table = value.as_table().ok_or_else(|| format!("token_keys: {TOKEN_KEYS}"))?;
    only(table, &path, &["id", "secret"])?;
    let id = table.get("id").and_then(Value::as_integer).and_then(|id| u8::try_from(id).ok());
    let id = id.ok_or_else(|| format!("{path}id: give a number from 0 to 255"))?;
    Ok((id, secret(table, &path, "secret")?))
}

fn secret(table: &Table, path: &str, key: &str) -> Result<[u8; 32], String> {
    let value = table.get(key).ok_or_else(|| format!("{path}{key}: is missing; {HEX}"))?;
    value.as_str().and_then(unhex).ok_or_else(|| format!("{path}{key}: {HEX}"))
}

pub(super) fn only(table: &Table, path: &str, known: &[&str]) -> Result<(), String> {
    match table.keys().find(|key| !known.contains(&key.as_str())) {
        Some(key) => {
            let key = key.escape_debug();
            Err(format!("{path}{key}: is not a key; give only {}", known.join(" and ")))
        }
        None => Ok(()),
    }
}

fn wrong(path: &Path, problem: &str) -> Failure {
    Failure::configuration(format!("{}: {problem}", path.display()))
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keys(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    fn file(token_keys: &str) -> String {
        format!("pseudonym_key = \"{SECRET}\"\n{token_keys}").replace("SECRET", SECRET)
    }

    #[test]
    fn keys_read_back_from_their_text() {
        let keys = Keys {
            pseudonym_key: [7; 32],
            token_keys: vec![(2, [8; 32]), (1, [9; 32])],
            wechat: WeChatSecrets::default(),
            captcha: CaptchaSecret::default(),
        };
        let read = Keys::parse(&keys.to_toml()).unwrap();
        assert_eq!((read.pseudonym_key, read.token_keys), (keys.pseudonym_key, keys.token_keys));
    }

    #[test]
    fn a_secret_that_was_replaced_behind_its_id_is_named_by_it() {
        let keys = |token_keys: &[(u8, u8)]| Keys {
            pseudonym_key: [7; 32],
            token_keys: token_keys.iter().map(|(id, byte)| (*id, [*byte; 32])).collect(),
            wechat: WeChatSecrets::default(),
            captcha: CaptchaSecret::default(),
        };
        let was = keys(&[(1, 1), (2, 2)]);
        assert_eq!(was.token_keys_replaced_by(&keys(&[(2, 3), (1, 1)])), [2]);
        assert_eq!(was.token_keys_replaced_by(&keys(&[(3, 1), (2, 2)])), [0; 0]);
    }

    #[test]
    fn keys_that_are_there_are_never_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("c.keys.toml");
        let (first, made) = Keys::make(&path).unwrap();
        let (second, made_again) = Keys::make(&path).unwrap();
        assert_eq!((made, made_again), (true, false));
        assert_eq!(first.pseudonym_key, second.pseudonym_key);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "nothing is left aside");
    }

    #[test]
    fn what_is_wrong_is_told_by_its_key_and_never_with_a_secret() {
        let one = "[[token_keys]]\nid = 1\nsecret = \"SECRET\"\n";
        let wrong = [
            (one.replace("SECRET", SECRET), "pseudonym_key: is missing"),
            (file("token_keys = 3"), "token_keys: "),
            (file("token_keys = []"), "token_keys: "),
            (file(&one.repeat(2)), "token_keys[2].id: "),
            (file(&one.repeat(3)), "token_keys: "),
            (file(&one.replace("= 1", "= 256")), "token_keys[1].id: "),
            (file(&one.replace("SECRET", "SECRETS")), "token_keys[1].secret: "),
            (file(&format!("{one}key = \"SECRET\"")), "token_keys[1].key: "),
            (file(&format!("{one}secret = \"SECRET")), "line 5: "),
            (file(&format!("wechat = 1\n{one}")), "wechat: "),
            (file(&format!("{one}[wechat]\nsecret = \"SECRET\"")), "wechat.secret: "),
            (file(&format!("{one}[wechat]\napp_secret = \"SEC RET\"")), "wechat.app_secret: "),
            (file(&format!("{one}[captcha]\nsecret = \"SEC RET\"")), "captcha.secret: "),
        ];
        for (text, expected) in wrong {
            let problem = Keys::parse(&text).unwrap_err();
            assert!(problem.starts_with(expected), "{problem}");
            assert!(!problem.contains(&SECRET[..8]), "{problem}");
        }
    }
}
