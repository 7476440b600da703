//! The keys file of a campaign, as far as a load needs it: what signs tokens.
//!
//! The format is `weir`'s, which makes and checks these files; the pseudonym key is left alone,
//! because the voters here are not derived from identities. Never here: a secret in a message.

use std::fs;
use std::path::{Path, PathBuf};

use ballot::{TokenKeys, unhex};
use serde::Deserialize;

#[derive(Deserialize)]
struct File {
    token_keys: Vec<Key>,
}

#[derive(Deserialize)]
struct Key {
    id: u8,
    secret: String,
}

/// The token keys of a campaign: of the file given, or of `ID.keys.toml` in the directory given.
///
/// # Errors
/// A sentence that says what is wrong with which file.
pub fn read(given: &Path, campaign: &str) -> Result<TokenKeys, String> {
    let path: PathBuf =
        if given.is_dir() { given.join(format!("{campaign}.keys.toml")) } else { given.to_owned() };
    let wrong = |problem: &str| format!("--keys {}: {problem}", path.display());
    let text = fs::read_to_string(&path)
        .map_err(|error| wrong(&format!("cannot be read: {error}; give the keys of the server")))?;
    // The parser's own message may show what stands there.
    let file: File = toml::from_str(&text).map_err(|_| {
        wrong("is not a file of keys; give the one that `weir up` or `weir topics` made")
    })?;
    let mut keys = Vec::new();
    for Key { id, secret } in &file.token_keys {
        let secret = unhex(secret)
            .ok_or_else(|| wrong("a secret is not of 64 hexadecimal digits; put the file right"))?;
        keys.push((*id, secret));
    }
    TokenKeys::new(campaign, &keys).map_err(|error| wrong(&error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_from_a_file_or_a_directory_and_secrets_are_never_shown() {
        let dir = tempfile::tempdir().unwrap();
        let secret = "ab".repeat(32);
        let file = dir.path().join("c.keys.toml");
        let text = |secret: &str| {
            format!("pseudonym_key = \"{secret}\"\n[[token_keys]]\nid = 1\nsecret = \"{secret}\"\n")
        };
        fs::write(&file, text(&secret)).unwrap();
        assert!(read(&file, "c").is_ok());
        assert!(read(dir.path(), "c").is_ok());
        assert!(read(dir.path(), "d").unwrap_err().contains("d.keys.toml"));
        fs::write(&file, text(&secret[1..])).unwrap();
        let problem = read(&file, "c").unwrap_err();
        assert!(problem.contains("64 hexadecimal digits") && !problem.contains("abab"));
        fs::write(&file, "token_keys = \"abab\"").unwrap();
        assert!(!read(&file, "c").unwrap_err().contains("abab"));
    }
}
