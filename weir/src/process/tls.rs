//! The certificate of the public listener: read at the start, and again whenever its files change.
//!
//! Invariant: what cannot be used never takes the place of what can. Never here: anything of the
//! key in the log.

use std::convert::Infallible;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

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

/// By what a file is seen to have changed.
type Seen = [Option<(SystemTime, u64)>; 2];

impl TlsFiles {
    /// TLS with what is in the files, and what keeps it as they are.
    pub(super) fn open(&self) -> Result<(Tls, Renewal), Failure> {
        let seen = self.seen();
        let (chain, key) = self.read()?;
        let (tls, certificate) = Tls::new(&chain, &key).map_err(|error| self.wrong(&error))?;
        Ok((tls, Renewal { files: self.clone(), certificate, seen }))
    }

    fn read(&self) -> Result<(Vec<u8>, Vec<u8>), Failure> {
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

    fn seen(&self) -> Seen {
        [&self.chain, &self.key].map(|path| {
            let metadata = fs::metadata(path).ok()?;
            Some((metadata.modified().ok()?, metadata.len()))
        })
    }
}

/// Keeps the certificate as its files are.
#[derive(Debug)]
pub(super) struct Renewal {
    files: TlsFiles,
    certificate: Certificate,
    seen: Seen,
}

impl Renewal {
    /// Looks at the files for ever.
    pub(super) async fn run(mut self) -> Infallible {
        loop {
            sleep(LOOK_EVERY).await;
            let files = self.files.clone();
            // Joined here; a file system that hangs only means no new certificate.
            let looked = spawn_blocking(move || (files.seen(), files.read()));
            let Ok((seen, read)) = looked.await else { continue };
            if seen == self.seen {
                continue;
            }
            let replaced = read.and_then(|(chain, key)| {
                let replaced = self.certificate.replace(&chain, &key);
                replaced.map_err(|error| self.files.wrong(&error))
            });
            match replaced {
                Ok(()) => tracing::info!("the TLS certificate was read again"),
                // Between two files that are replaced one after the other it is told once.
                Err(failure) => {
                    tracing::error!(why = failure.sentence, "the TLS certificate stays")
                }
            }
            self.seen = seen;
        }
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
}
