//! The certificate of the public listener: read at the start, and again whenever its files change.
//!
//! Invariant: what cannot be used never takes the place of what can. Never here: anything of the
//! key in the log.

use std::convert::Infallible;
use std::fs;
use std::hash::{BuildHasher as _, RandomState};
use std::path::{Path, PathBuf};
use std::time::Duration;

use ingest::server::{Certificate, Tls};
use tokio::task::spawn_blocking;
use tokio::time::sleep;

use crate::exit::Failure;

/// How often the files are looked at: certificates are renewed weeks before they end.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// Where a certificate chain and its key are.
#[derive(Debug, Clone)]
pub(crate) struct TlsFiles {
    pub(crate) chain: PathBuf,
    pub(crate) key: PathBuf,
}

/// What is in the files, the chain and the key, or why it cannot be told.
type Content = Result<(Vec<u8>, Vec<u8>), Failure>;

impl TlsFiles {
    /// TLS with what is in the files, and what keeps it as they are.
    pub(super) fn open(&self) -> Result<(Tls, Renewal), Failure> {
        let content = self.read();
        let hasher = RandomState::new();
        let seen = seen(&hasher, &content);
        let (chain, key) = content?;
        let (tls, certificate) = Tls::new(&chain, &key).map_err(|error| self.wrong(&error))?;
        Ok((tls, Renewal { files: self.clone(), certificate, hasher, seen }))
    }

    /// Whether a process could speak TLS with what is in the files.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        self.open().map(drop)
    }

    fn read(&self) -> Content {
        let read = |flag: &str, path: &Path| {
            fs::read(path).map_err(|error| {
                let name = path.display();
                Failure::configuration(format!("{flag} {name}: cannot be read: {error}"))
            })
        };
        Ok((read("--tls-cert", &self.chain)?, read("--tls-key", &self.key)?))
    }

    fn wrong(&self, error: &ingest::server::CertificateError) -> Failure {
        let (chain, key) = (self.chain.display(), self.key.display());
        Failure::configuration(format!(
            "--tls-cert {chain}, --tls-key {key}: {error}; give the full chain as PEM, the leaf \
             first, and its key"
        ))
    }
}

/// By what it is seen that something has changed. Not the files' times: a certificate that is put
/// in place with the time of the one before it is a new one all the same.
fn seen(hasher: &RandomState, content: &Content) -> u64 {
    hasher.hash_one(content.as_ref().map_err(|failure| &failure.sentence))
}

/// Keeps the certificate as its files are.
#[derive(Debug)]
pub(super) struct Renewal {
    files: TlsFiles,
    certificate: Certificate,
    hasher: RandomState,
    seen: u64,
}

impl Renewal {
    /// Looks at the files for ever.
    pub(super) async fn run(mut self) -> Infallible {
        loop {
            sleep(LOOK_EVERY).await;
            let files = self.files.clone();
            // Joined here; a file system that hangs only means no new certificate.
            let Ok(content) = spawn_blocking(move || files.read()).await else { continue };
            match self.take(content) {
                Some(Ok(())) => tracing::info!("the TLS certificate was read again"),
                // Between two files that are replaced one after the other it is told once.
                Some(Err(failure)) => {
                    tracing::error!(why = failure.sentence, "the TLS certificate stays")
                }
                None => {}
            }
        }
    }

    /// Puts it in force unless it is what was there last time.
    fn take(&mut self, content: Content) -> Option<Result<(), Failure>> {
        let seen = seen(&self.hasher, &content);
        if seen == self.seen {
            return None;
        }
        self.seen = seen;
        Some(content.and_then(|(chain, key)| {
            let replaced = self.certificate.replace(&chain, &key);
            replaced.map_err(|error| self.files.wrong(&error))
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_used_is_told_by_its_flag_and_without_its_content() {
        let dir = tempfile::tempdir().unwrap();
        let files = TlsFiles { chain: dir.path().join("c.pem"), key: dir.path().join("k.pem") };
        let missing = files.open().unwrap_err().sentence;
        assert!(missing.starts_with("--tls-cert ") && missing.contains("cannot be read"));
        fs::write(&files.chain, "SECRET").unwrap();
        fs::write(&files.key, "SECRET").unwrap();
        let wrong = files.open().unwrap_err().sentence;
        assert!(wrong.contains("no PEM with a certificate"), "{wrong}");
        assert!(!wrong.contains("SECRET"), "{wrong}");
    }
    #[test]
    fn whatever_is_new_is_taken_once_whatever_its_time_and_what_is_unfit_is_told_once() {
        let dir = tempfile::tempdir().unwrap();
        let files = TlsFiles { chain: dir.path().join("c.pem"), key: dir.path().join("k.pem") };
        let write = |file: &Path, text: &str| {
            fs::write(file, text).unwrap();
            let file = fs::File::options().append(true).open(file).unwrap();
            file.set_modified(std::time::UNIX_EPOCH).unwrap();
        };
        let made = || rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let (old, new) = (made(), made());
        write(&files.chain, &old.cert.pem());
        write(&files.key, &old.signing_key.serialize_pem());
        let (_tls, mut renewal) = files.open().unwrap();
        let mut look = || renewal.take(files.read());
        assert!(look().is_none());
        write(&files.chain, &new.cert.pem());
        let mixed = look().unwrap().unwrap_err().sentence;
        assert!(mixed.contains("certificate and key cannot be used"), "{mixed}");
        assert!(look().is_none());
        write(&files.key, &new.signing_key.serialize_pem());
        assert!(look().unwrap().is_ok());
        assert!(look().is_none());
        fs::remove_file(&files.key).unwrap();
        let gone = look().unwrap().unwrap_err().sentence;
        assert!(gone.starts_with("--tls-key ") && gone.contains("cannot be read"), "{gone}");
        assert!(look().is_none());
        write(&files.key, &new.signing_key.serialize_pem());
        assert!(look().unwrap().is_ok());
    }
}
