//! Bare hyper, the baseline: it answers whatever comes with a 202 such as the edge's, and reads no
//! body.
//!
//! One kind answers at once. The other lets every request wait for the next tick, as any server
//! must that answers only when a journal has spoken. What that costs more is the price
//! of the wait itself: each connection is taken up twice, and found cold the second time.

use std::sync::Arc;

use benches::Answer;
use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{Request, Response, StatusCode};
use ingest::BatchLimits;
use tokio::sync::Notify;
use tokio::time::interval;

/// Answers at once.
pub(crate) async fn fixed(_: Request<Incoming>) -> Answer {
    const ANSWER: &[u8] = br#"{"receipt":"12-88342-17","day":"2023-12-18"}"#;
    let mut response = Response::new(Full::new(Bytes::from_static(ANSWER)));
    *response.status_mut() = StatusCode::ACCEPTED;
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, json);
    Ok(response)
}

/// Answers all that wait, at every tick.
pub(crate) fn waiting()
-> impl Fn(Request<Incoming>) -> futures_util::future::BoxFuture<'static, Answer> + Clone {
    let tick = Arc::new(Notify::new());
    let ticking = Arc::clone(&tick);
    // Ends with the process.
    tokio::spawn(async move {
        // As long as the edge lets ballots wait for company.
        let mut ticks = interval(BatchLimits::default().linger);
        loop {
            ticks.tick().await;
            ticking.notify_waiters();
        }
    });
    move |request| {
        let tick = Arc::clone(&tick);
        Box::pin(async move {
            tick.notified().await;
            fixed(request).await
        })
    }
}
