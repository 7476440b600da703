//! Bare hyper, the baseline: it answers whatever comes with a 202 such as the edge's, and reads no
//! body.
//!
//! One kind answers at once. The other lets every request wait for the next tick, as any server
//! must that answers only when a journal has spoken. What that costs more is the price
//! of the wait itself: each connection is taken up twice, and found cold the second time.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use ingest::BatchLimits;
use ingest::server::Limits;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::time::interval;

use crate::Error;

type Answer = Result<Response<Full<Bytes>>, Infallible>;

/// Serves until the process ends.
pub(crate) async fn serve<F, A>(answer: F) -> Result<SocketAddr, Error>
where
    F: Fn(Request<Incoming>) -> A + Clone + Send + Sync + 'static,
    A: Future<Output = Answer> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let mut http = http1::Builder::new();
    let header_bytes_max = usize::try_from(Limits::default().header_bytes_max)?;
    http.header_read_timeout(None).max_buf_size(header_bytes_max);
    // Ends with the process.
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            if stream.set_nodelay(true).is_ok() {
                let service = service_fn(answer.clone());
                // Ends with its connection; there are as many as the load opens.
                tokio::spawn(http.serve_connection(TokioIo::new(stream), service));
            }
        }
    });
    Ok(address)
}

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
