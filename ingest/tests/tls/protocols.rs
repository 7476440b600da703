//! What is spoken with a peer: TLS 1.2 and 1.3, HTTP/1.1 and HTTP/2, and nothing else.

use std::io::ErrorKind;

use hyper::Request;
use rustls::version::{TLS12, TLS13};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::client::Raw;
use super::kit::{Running, Setup, within};
use super::secured::{Client, Http, Pair, Secured, limits};

#[tokio::test]
async fn a_ballot_is_cast_over_either_version_of_either_protocol() {
    let (pair, edge) = (Pair::new(), Running::start(Setup::default()).await);
    let server = Secured::serving(&pair, limits(), edge.edge.clone()).await;
    let mut ballots = 0;
    for version in [&TLS12, &TLS13] {
        for (offered, agreed) in [
            (&["h2", "http/1.1"][..], Some("h2")),
            (&["http/1.1", "h2"], Some("h2")),
            (&["http/1.1"], Some("http/1.1")),
            (&[], None),
        ] {
            let client = Client::new(&[&pair], &[version], offered);
            let stream = client.connect(server.address).await.unwrap();
            let (_, session) = stream.get_ref();
            assert_eq!(session.protocol_version(), Some(version.version));
            assert_eq!(session.alpn_protocol(), agreed.map(str::as_bytes), "{offered:?}");
            let bearer = format!("Bearer {}", edge.token(&format!("voter {ballots}")));
            let ballot = Request::post("/v1/campaigns/c/ballots")
                .header("authorization", bearer)
                .header("content-type", "application/json")
                .body(r#"{"choices":[1]}"#.into());
            let mut http = Http::over(stream).await;
            let (status, body) = http.send(ballot.unwrap()).await;
            assert_eq!(status, 202, "{body:?}");
            assert_eq!(http.get("/v1/campaigns/c").await.0, 200);
            ballots += 1;
        }
    }
    edge.tally_when(|tally| tally["ballots"] == ballots).await;
}

#[tokio::test]
async fn who_speaks_no_tls_is_refused_at_once() {
    let pair = Pair::new();
    let server = Secured::start(&pair, limits()).await;
    let http1 = "GET /v1/campaigns/c HTTP/1.1\r\nhost: test\r\n\r\n";
    for opening in [http1, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "\0\0\0\0\0\0\0\0"] {
        let mut peer = Raw::connect(server.address).await;
        peer.send(opening).await;
        let heard = peer.until_closed().await;
        assert!(!heard.contains("HTTP/") && heard.len() < 16, "{opening:?}: {heard:?}");
    }
    assert_eq!(server.counts().closed_first_request, 0);
}

#[tokio::test]
async fn versions_before_1_2_are_refused() {
    let pair = Pair::new();
    let server = Secured::start(&pair, limits()).await;
    // SSL 3.0, TLS 1.0 and 1.1, with a cipher that all of them know.
    for minor in 0..=2 {
        let mut hello = vec![3, minor];
        hello.extend([7; 32]);
        hello.extend([0, 0, 2, 0, 0x2F, 1, 0]);
        let length = u8::try_from(hello.len()).unwrap();
        let mut stream = tokio::net::TcpStream::connect(server.address).await.unwrap();
        stream.write_all(&[0x16, 3, minor, 0, length + 4, 1, 0, 0, length]).await.unwrap();
        stream.write_all(&hello).await.unwrap();
        let mut heard = Vec::new();
        while let Ok(1..) = within(stream.read_buf(&mut heard)).await {}
        // A fatal alert, and nothing else.
        assert_eq!((heard[0], heard.len(), heard[5]), (0x15, 7, 2), "{heard:?}");
    }
}

#[tokio::test]
async fn a_protocol_that_nobody_knows_is_refused_and_so_is_a_certificate_by_its_reader() {
    let (pair, other) = (Pair::new(), Pair::new());
    let server = Secured::start(&pair, limits()).await;
    let strange = Client::new(&[&pair], rustls::ALL_VERSIONS, &["spdy/3"]);
    let refused = strange.connect(server.address).await.unwrap_err();
    assert!(refused.to_string().contains("NoApplicationProtocol"), "{refused}");
    let refused = Client::usual(&[&other]).connect(server.address).await.unwrap_err();
    assert!(refused.to_string().contains("invalid peer certificate"), "{refused}");
    super::kit::eventually(|| server.counts().active == 0).await;
    let stream = Client::usual(&[&pair]).connect(server.address).await.unwrap();
    assert_eq!(Http::over(stream).await.get("/").await, (200, "done".into()));
}

#[tokio::test]
async fn a_connection_ends_with_word_that_it_is_over() {
    let pair = Pair::new();
    let server = Secured::start(&pair, limits()).await;
    for version in [&TLS12, &TLS13] {
        let client = Client::new(&[&pair], &[version], &["http/1.1"]);
        let mut stream = client.connect(server.address).await.unwrap();
        let last = b"GET / HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n";
        stream.write_all(last).await.unwrap();
        let mut heard = Vec::new();
        let ended = within(stream.read_to_end(&mut heard)).await;
        // Cut off without that word, it would be an unexpected end.
        assert_ne!(ended.as_ref().map_err(std::io::Error::kind), Err(ErrorKind::UnexpectedEof));
        assert!(ended.is_ok() && heard.ends_with(b"done"), "{ended:?}");
    }
}
