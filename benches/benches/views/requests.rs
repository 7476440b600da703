//! What a voter's phone asks an edge for, made of what that edge has answered before.
//!
//! The voter of the cookie has cast a ballot today, so that `me` has everything in it. Never here:
//! a header that the answer does not depend on; it would only make both servers cost more.

use std::net::SocketAddr;

use benches::{Ballots, Error, Poll, ask, connect, header, split};
use tokio::net::TcpStream;

use crate::plan::Kind;

/// A request and the length of its answer.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) kind: Kind,
    pub(crate) text: String,
    pub(crate) answer_bytes: usize,
}

/// The requests of every kind, each asked once.
pub(crate) async fn learn(edge: SocketAddr, poll: &Poll) -> Result<Vec<Asked>, Error> {
    let mut stream = connect(edge).await?;
    let id = &poll.campaign.id;
    let ballot = Ballots::new(0, 0).next().ok_or("there are no ballots")?;
    let mut cast = String::new();
    poll.write_request(&ballot, &mut cast);
    answered(&mut stream, &cast, 202).await?;

    let page = get(&format!("/campaigns/{id}"), &[("accept-encoding", "gzip")]);
    let answer = answered(&mut stream, &page, 200).await?;
    let (head, _) = split(&answer).ok_or("an answer without a head")?;
    let etag = header(head, "etag").ok_or("the page has no entity tag")?;
    let tags = [("accept-encoding", "gzip"), ("if-none-match", etag)];
    let page_again = get(&format!("/campaigns/{id}"), &tags);
    let plain = answered(&mut stream, &get(&format!("/campaigns/{id}"), &[]), 200).await?;
    let script = get(&script(&plain)?, &[("accept-encoding", "gzip")]);
    let cookie = format!("weir-{id}={}", poll.token(&ballot));
    let me = get(&format!("/v1/campaigns/{id}/me"), &[("cookie", &cookie)]);
    let frontiers = get(&format!("/v1/campaigns/{id}/frontiers"), &[]);

    let mut learnt = Vec::new();
    for (kind, text) in Kind::ALL.into_iter().zip([page, page_again, script, me, frontiers]) {
        let answer_bytes = answered(&mut stream, &text, kind.status()).await?.len();
        learnt.push(Asked { kind, text, answer_bytes });
    }
    Ok(learnt)
}

/// The answer, which must have this status.
pub(crate) async fn answered(
    stream: &mut TcpStream,
    request: &str,
    status: u16,
) -> Result<Vec<u8>, Error> {
    let mut answer = Vec::new();
    match ask(stream, request, &mut answer).await? {
        got if got == status => Ok(answer),
        other => {
            let line = request.lines().next().unwrap_or_default();
            let answer = String::from_utf8_lossy(&answer);
            Err(format!("{line}: {other} where {status} was due: {answer}").into())
        }
    }
}

fn get(path: &str, headers: &[(&str, &str)]) -> String {
    let headers: String =
        headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n{headers}\r\n")
}

/// The address of the script that a page names.
fn script(page: &[u8]) -> Result<String, Error> {
    let page = String::from_utf8_lossy(page);
    let mut quoted = page.split('"');
    let found = quoted.find(|text| text.starts_with("/assets/") && text.ends_with(".js"));
    Ok(found.ok_or("the page names no script")?.to_owned())
}
