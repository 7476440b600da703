//! Certificates, and a client of HTTPS that knows some of them and no others.

use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

const NAME: &str = "vote.example";
const TIMEOUT: Duration = Duration::from_secs(30);

/// A certificate and its key, PEM.
pub(crate) struct Pair {
    pub(crate) chain: String,
    pub(crate) key: String,
}

impl Pair {
    pub(crate) fn new() -> Self {
        let made = rcgen::generate_simple_self_signed([NAME.to_owned()]).unwrap();
        Self { chain: made.cert.pem(), key: made.signing_key.serialize_pem() }
    }
}

/// Each connection of it is a new acquaintance.
pub(crate) struct Client(Arc<ClientConfig>);

impl Client {
    pub(crate) fn new(known: &[&Pair]) -> Self {
        let mut roots = RootCertStore::empty();
        for pair in known {
            let certificate = CertificateDer::from_pem_slice(pair.chain.as_bytes()).unwrap();
            roots.add(certificate).unwrap();
        }
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let config = config.with_safe_default_protocol_versions().unwrap();
        let mut config = config.with_root_certificates(roots).with_no_client_auth();
        config.resumption = rustls::client::Resumption::disabled();
        Self(Arc::new(config))
    }

    /// A connection, or why there is none.
    pub(crate) fn connect(&self, host: &str) -> io::Result<Open> {
        let stream = TcpStream::connect(host)?;
        stream.set_read_timeout(Some(TIMEOUT))?;
        let name = ServerName::try_from(NAME).unwrap();
        let session = ClientConnection::new(Arc::clone(&self.0), name).unwrap();
        let mut stream = StreamOwned::new(session, stream);
        while stream.conn.is_handshaking() {
            stream.conn.complete_io(&mut stream.sock)?;
        }
        Ok(Open(stream))
    }

    /// The whole answer to one request on a connection of its own.
    pub(crate) fn ask(
        &self,
        host: &str,
        line: &str,
        headers: &[&str],
        body: &str,
    ) -> io::Result<String> {
        let Open(mut stream) = self.connect(host)?;
        let headers: String = headers.iter().map(|header| format!("{header}\r\n")).collect();
        let length = body.len();
        let head = format!("{line} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n{headers}");
        stream.write_all(format!("{head}content-length: {length}\r\n\r\n{body}").as_bytes())?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        Ok(String::from_utf8_lossy(&answer).into_owned())
    }
}

/// A connection that stays open.
pub(crate) struct Open(StreamOwned<ClientConnection, TcpStream>);

impl Open {
    /// What has come of the answer once its header has.
    pub(crate) fn ask(&mut self, line: &str) -> String {
        let request = format!("{line} HTTP/1.1\r\nhost: {NAME}\r\n\r\n");
        self.0.write_all(request.as_bytes()).unwrap();
        let (mut answer, mut buffer) = (Vec::new(), [0; 4_096]);
        loop {
            let text = String::from_utf8_lossy(&answer).into_owned();
            let head = text.split_once("\r\n\r\n");
            let is_whole = head.is_some_and(|(head, body)| {
                let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
                length.is_none_or(|length| body.len() >= length.parse().unwrap())
            });
            if is_whole {
                return text;
            }
            let read = self.0.read(&mut buffer).unwrap();
            assert!(read > 0, "closed after {text:?}");
            answer.extend_from_slice(&buffer[..read]);
        }
    }
}
