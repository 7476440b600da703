//! TLS of the built binary, as its operator meets it: files and flags, what voters are served, a
//! certificate that is renewed while it runs, and what is told of files that cannot be used.
//!
//! Every wait is for a state and has a deadline.
#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests are not covered by allow-unwrap-in-tests"
)]
#![expect(clippy::panic, reason = "as above")]

#[path = "tls/client.rs"]
mod client;
mod kit;

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use client::{Client, Pair};
use kit::{Scratch, Server, eventually, weir};

/// A `weir up` with demo voters and the certificate in these files, once it is ready.
fn start<'a>(scratch: &'a Scratch, chain: &str, key: &str) -> (Server<'a>, String) {
    let data = scratch.path("data");
    let flags = ["--identity", "demo", "--tls-cert", chain, "--tls-key", key];
    let server = Server::spawn(scratch, &[&["up", "--data", &data], flags.as_slice()].concat());
    // Which scheme it calls itself by is looked at below.
    let line = eventually("weir to be up and ready", || {
        let ready = server.complaints()?.is_empty();
        let stderr = server.stderr();
        let line = stderr.lines().find(|line| line.contains("campaign  http"))?;
        ready.then(|| line.split_whitespace().last().unwrap().to_owned())
    });
    (server, line)
}

#[test]
fn voters_are_served_over_tls_and_nothing_without_it() {
    let scratch = Scratch::new();
    let pair = Pair::new();
    let (chain, key) = (scratch.file("c.pem", &pair.chain), scratch.file("k.pem", &pair.key));
    let (server, url) = start(&scratch, &chain, &key);
    let campaign = url.strip_prefix("https://").expect("voters are told the scheme");
    let (host, path) = campaign.split_once('/').unwrap();
    let id = path.rsplit('/').next().unwrap();
    let client = Client::new(&[&pair]);

    let page = client.ask(host, &format!("GET /campaigns/{id}"), &[], "").unwrap();
    assert!(page.starts_with("HTTP/1.1 200 "), "{page}");
    let page = page.to_ascii_lowercase();
    assert!(page.contains("\r\nstrict-transport-security: max-age="), "{page}");
    let session = client.ask(
        host,
        &format!("POST /{path}/session"),
        &["content-type: application/json"],
        "{\"demo\":true}",
    );
    let session = session.unwrap();
    assert!(session.starts_with("HTTP/1.1 204 "), "{session}");
    let cookie = session.lines().find_map(|line| line.strip_prefix("set-cookie: ")).unwrap();
    assert!(cookie.contains("; Secure") && cookie.contains("; HttpOnly"), "{cookie}");
    let cookie = format!("cookie: {}", cookie.split(';').next().unwrap());
    let ballot = client.ask(
        host,
        &format!("POST /{path}/ballots"),
        &[&cookie, "content-type: application/json"],
        "{\"choices\":[1]}",
    );
    assert!(ballot.as_ref().unwrap().starts_with("HTTP/1.1 202 "), "{ballot:?}");

    // Not even a word that there is an HTTPS behind it.
    let mut plain = TcpStream::connect(host).unwrap();
    let request = format!("GET /campaigns/{id} HTTP/1.1\r\nhost: {host}\r\n\r\n");
    plain.write_all(request.as_bytes()).unwrap();
    let mut heard = Vec::new();
    drop(plain.read_to_end(&mut heard));
    assert!(!String::from_utf8_lossy(&heard).contains("HTTP"), "{heard:?}");
    // The operators' listener stays as it was: `complaints` was read over plain HTTP.
    assert!(client.ask(host, "GET /metrics", &[], "").unwrap().starts_with("HTTP/1.1 404 "));
    server.stop();
}

#[test]
fn a_certificate_that_is_renewed_is_served_and_one_that_is_unfit_is_not() {
    let scratch = Scratch::new();
    let (old, new, other) = (Pair::new(), Pair::new(), Pair::new());
    let (chain, key) = (scratch.file("c.pem", &old.chain), scratch.file("k.pem", &old.key));
    let (server, url) = start(&scratch, &chain, &key);
    let campaign = url.split_once("://").unwrap().1;
    let (host, path) = campaign.split_once('/').unwrap();
    let get = format!("GET /{path}");
    let mut before = Client::new(&[&old]).connect(host).unwrap();
    assert!(before.ask(&get).starts_with("HTTP/1.1 200 "));

    // As a deployment does it: aside, and then into its place.
    for (path, text) in [(&chain, &new.chain), (&key, &new.key)] {
        let aside = scratch.file("aside.pem", text);
        fs::rename(aside, path).unwrap();
    }
    let renewed = Client::new(&[&new]);
    eventually("the new certificate", || renewed.ask(host, &get, &[], "").ok());
    assert!(Client::new(&[&old]).ask(host, &get, &[], "").is_err());
    // Who is connected goes on.
    assert!(before.ask(&get).starts_with("HTTP/1.1 200 "));
    assert!(server.stderr().contains("the TLS certificate was read again"));

    fs::write(&key, &other.key).unwrap();
    eventually("word that the key is another's", || {
        let stderr = server.stderr();
        let line = stderr.lines().rfind(|line| line.contains("the TLS certificate stays"))?;
        line.contains("certificate and key cannot be used").then_some(())
    });
    assert!(renewed.ask(host, &get, &[], "").unwrap().starts_with("HTTP/1.1 200 "));
    let stderr = server.stderr();
    for pair in [&old, &new, &other] {
        let mut lines = pair.key.lines().filter(|line| !line.starts_with("-----"));
        assert!(!lines.any(|line| stderr.contains(line)), "{stderr}");
    }
    server.stop();
}

#[test]
fn files_that_cannot_be_used_are_refused_by_the_flags_name() {
    let scratch = Scratch::new();
    let (pair, other) = (Pair::new(), Pair::new());
    let (chain, key) = (scratch.file("c.pem", &pair.chain), scratch.file("k.pem", &pair.key));
    let other = scratch.file("other.pem", &other.key);
    let (none, empty) = (scratch.path("none.pem"), scratch.file("empty.pem", ""));
    let folder = scratch.path("");
    let data = scratch.path("data");
    let no_certificate = "the certificate's file is no PEM with a certificate in it";
    let no_key = "the key's file is no PEM with a private key in it";
    for (flags, sentences) in [
        (&["--tls-cert", &none, "--tls-key", &key][..], ["--tls-cert", "cannot be read"]),
        (&["--tls-cert", &chain, "--tls-key", &none], ["--tls-key", "cannot be read"]),
        (&["--tls-cert", &folder, "--tls-key", &key], ["--tls-cert", "cannot be read"]),
        (&["--tls-cert", &empty, "--tls-key", &key], ["--tls-cert", no_certificate]),
        (&["--tls-cert", &key, "--tls-key", &chain], ["--tls-cert", no_certificate]),
        (&["--tls-cert", &chain, "--tls-key", &chain], ["--tls-key", no_key]),
        (&["--tls-cert", &chain, "--tls-key", &other], ["--tls-key", "cannot be used"]),
        (&["--tls-cert", &chain], ["--tls-cert", "--tls-key"]),
        (&["--tls-key", &key], ["--tls-key", "--tls-cert"]),
    ] {
        let ports = ["--listen", "127.0.0.1:0", "--ops-listen", "127.0.0.1:0"];
        let ran = weir(&[["up", "--data", &data].as_slice(), &ports, flags].concat());
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(64), ""), "{flags:?}: {ran:?}");
        for sentence in sentences {
            assert!(ran.stderr.contains(sentence), "{flags:?}: {sentence}: {ran:?}");
        }
        let mut lines = pair.key.lines().filter(|line| !line.starts_with("-----"));
        assert!(!lines.any(|line| ran.stderr.contains(line)), "{ran:?}");
    }
    assert!(!std::fs::exists(&data).unwrap(), "nothing is founded behind a wrong certificate");
}
