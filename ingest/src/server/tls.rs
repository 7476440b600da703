//! TLS on a listener: the certificate in force, which may be replaced while connections are open.
//!
//! Never here: a file. Whoever has the files says what is in them, and again when they change.

use std::fmt;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::ring::{self, Ticketer};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

/// What is served: a listener, with TLS or without.
#[derive(Debug)]
pub struct Listening {
    pub(super) listener: TcpListener,
    pub(super) tls: Option<Tls>,
}

impl Listening {
    /// A listener whose peers speak TLS where there is any.
    #[must_use]
    pub const fn new(listener: TcpListener, tls: Option<Tls>) -> Self {
        Self { listener, tls }
    }
}

impl From<TcpListener> for Listening {
    fn from(listener: TcpListener) -> Self {
        Self::new(listener, None)
    }
}

/// Speaks TLS 1.2 and 1.3 with whoever connects, HTTP/2 or HTTP/1.1 within it. Clones are the same.
#[derive(Clone)]
pub struct Tls(pub(super) TlsAcceptor);

/// Replaces the certificate of a [`Tls`].
#[derive(Debug)]
pub struct Certificate(watch::Sender<Arc<CertifiedKey>>);

/// Why a certificate cannot be used, without anything of its key.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// The file of the certificate has none.
    #[error("the certificate's file is no PEM with a certificate in it")]
    NoCertificate,
    /// The file of the key has none.
    #[error("the key's file is no PEM with a private key in it")]
    NoKey,
    /// Both are there, but not for one another, or of a kind that is not known.
    #[error("certificate and key cannot be used: {0}")]
    Unfit(rustls::Error),
}

impl Tls {
    /// TLS with this certificate chain, the leaf first, and its private key, both PEM.
    ///
    /// # Errors
    /// [`CertificateError`], by what is wrong.
    pub fn new(chain: &[u8], key: &[u8]) -> Result<(Self, Certificate), CertificateError> {
        let (sender, newest) = watch::channel(certified(chain, key)?);
        let provider = Arc::new(ring::default_provider());
        let config =
            ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let config = config.map_err(CertificateError::Unfit)?.with_no_client_auth();
        let mut config = config.with_cert_resolver(Arc::new(Newest(newest)));
        // A crowd that comes back needs no memory here, and half the handshake.
        config.ticketer = Ticketer::new().map_err(CertificateError::Unfit)?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok((Self(TlsAcceptor::from(Arc::new(config))), Certificate(sender)))
    }
}

impl Certificate {
    /// Has new connections see this chain; those that are open keep theirs.
    ///
    /// # Errors
    /// [`CertificateError`]: then the one before stays.
    pub fn replace(&self, chain: &[u8], key: &[u8]) -> Result<(), CertificateError> {
        self.0.send_replace(certified(chain, key)?);
        Ok(())
    }
}

fn certified(chain: &[u8], key: &[u8]) -> Result<Arc<CertifiedKey>, CertificateError> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(chain).collect();
    let chain = chain.ok().filter(|chain| !chain.is_empty());
    let chain = chain.ok_or(CertificateError::NoCertificate)?;
    let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| CertificateError::NoKey)?;
    let certified = CertifiedKey::from_der(chain, key, &ring::default_provider());
    certified.map(Arc::new).map_err(CertificateError::Unfit)
}

/// The newest certificate. Looked at under a read lock of nanoseconds.
#[derive(Debug)]
struct Newest(watch::Receiver<Arc<CertifiedKey>>);

impl ResolvesServerCert for Newest {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.borrow()))
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tls(..)")
    }
}
