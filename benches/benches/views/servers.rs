//! The servers under load: an edge with its counting on the embedded journal, and bare hyper that
//! answers everything with what that edge has answered to one request.
//!
//! Both say `listening` with their port once they answer, and serve until their input ends.

use std::net::SocketAddr;
use std::time::Duration;

use aggregator::found;
use benches::{Answer, Error, Poll, Watched, connect, orders, say, serve_bare, split, told};
use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{CONTENT_LENGTH, DATE, HeaderMap, HeaderName, HeaderValue};
use hyper::{Response, StatusCode};
use journal::{Clock as _, Embedded, EmbeddedOptions, Journal as _, SystemClock};
use prometheus::Registry;
use tokio::runtime::Builder;
use tokio::time::timeout;

use crate::plan::{PARTITIONS, REQUEST, STARTED, STATUS, TARGET};
use crate::requests::answered;

/// Until the first result is there.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) fn edge() -> Result<(), Error> {
    serve(async {
        let poll = Poll::started(told(STARTED)?);
        let options = EmbeddedOptions::new(told::<String>(TARGET)?, "bench", PARTITIONS);
        let journal = Embedded::open(&options)?;
        let rules = poll.rules(journal.identity(), journal.partitions());
        found(&journal, &rules, SystemClock.now_ms()).await?;
        let watched = Watched::new(journal);
        watched.count(&poll)?;
        let mut served = watched.view.served.clone();
        timeout(PATIENCE, served.wait_for(Option::is_some)).await??;
        watched.serve(poll, &Registry::new()).await
    })
}

pub(crate) fn bare() -> Result<(), Error> {
    serve(async {
        let mut stream = connect(told(TARGET)?).await?;
        let status: u16 = told(STATUS)?;
        let answer = answered(&mut stream, &told::<String>(REQUEST)?, status).await?;
        // As long as the process, and without a count of references that two threads would share.
        let (head, body) = split(answer.leak()).ok_or("an answer without a head")?;
        let (headers, body) = (headers(head)?, Bytes::from_static(body));
        let status = StatusCode::from_u16(status)?;
        serve_bare(move |_| {
            let mut response = Response::new(Full::new(body.clone()));
            *response.status_mut() = status;
            response.headers_mut().clone_from(&headers);
            async { Answer::Ok(response) }
        })
        .await
    })
}

/// Those that hyper does not add itself.
fn headers(head: &'static [u8]) -> Result<HeaderMap, Error> {
    let lines = std::str::from_utf8(head)?.lines().skip(1);
    let mut headers = HeaderMap::new();
    for (name, value) in lines.filter_map(|line| line.split_once(": ")) {
        headers.append(HeaderName::try_from(name)?, HeaderValue::from_static(value));
    }
    headers.remove(DATE);
    headers.remove(CONTENT_LENGTH);
    Ok(headers)
}

fn serve(server: impl Future<Output = Result<SocketAddr, Error>>) -> Result<(), Error> {
    let runtime = Builder::new_multi_thread().enable_all().build()?;
    let address = runtime.block_on(server)?;
    say(&format!("listening {}", address.port()))?;
    orders().for_each(drop);
    Ok(())
}
