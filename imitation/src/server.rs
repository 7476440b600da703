//! The listener: connections, their bounds, and which address is what.
//!
//! Invariant: connections are at most as many as said below, and end when serving does. Never
//! here: what an address answers.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::{select, time};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::debug;

use crate::authorize::Browser;
use crate::endpoints::Endpoint;
use crate::imitation::Imitation;
use crate::reply::{Reply, bare, redirect};
use crate::{authorize, calls, exchange, page, stable_token, user_info};

/// More wait in the kernel's queue.
const CONNECTIONS_MAX: usize = 1_024;
/// For a request's head to arrive, and between two requests.
const HEAD_WITHIN: Duration = Duration::from_secs(60);
/// Nothing that is posted here is as long.
const BODY_BYTES_MAX: usize = 16_384;
/// When accepting fails for want of something.
const PAUSE: Duration = Duration::from_millis(50);

/// Serves until `stop` is cancelled.
pub(crate) async fn serve(imitation: Imitation, listener: TcpListener, stop: CancellationToken) {
    let stop = stop.child_token();
    // Ends the connections also where this future is dropped.
    let _guard = stop.clone().drop_guard();
    let permits = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    // Joined below; bounded by the permits.
    let connections = TaskTracker::new();
    loop {
        let accepted = async {
            let permit = Arc::clone(&permits).acquire_owned().await;
            (permit, listener.accept().await)
        };
        let (permit, accepted) = select! {
            () = stop.cancelled() => break,
            both = accepted => both,
        };
        match accepted {
            Ok((stream, _)) => {
                let ended = stop.clone().cancelled_owned();
                let connection = connection(imitation.clone(), stream);
                connections.spawn(async move {
                    let _permit = permit;
                    select! {
                        () = ended => {}
                        () = connection => {}
                    }
                });
            }
            Err(error) => {
                debug!(%error, "cannot accept");
                time::sleep(PAUSE).await;
            }
        }
    }
    connections.close();
    connections.wait().await;
}

async fn connection(imitation: Imitation, stream: TcpStream) {
    let service = service_fn(|request| answer(imitation.clone(), request));
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEAD_WITHIN);
    if let Err(error) = http.serve_connection(TokioIo::new(stream), service).await {
        debug!(%error, "a connection ended");
    }
}

/// Answers a request; in place of an error the connection is closed.
async fn answer(imitation: Imitation, request: Request<Incoming>) -> io::Result<Reply> {
    let (parts, body) = request.into_parts();
    let body = Limited::new(body, BODY_BYTES_MAX).collect().await;
    let body: Bytes = body.map_err(io::Error::other)?.to_bytes();
    let (method, query) = (&parts.method, parts.uri.query().unwrap_or_default());
    let by = Browser { method, headers: &parts.headers };
    let it = &imitation;
    match parts.uri.path() {
        "/connect/oauth2/authorize" => {
            let call = || authorize::call(it, by, query);
            calls::make(it, Endpoint::Authorize, call, authorize::refused).await
        }
        "/sns/oauth2/access_token" => {
            calls::of_server(it, Endpoint::Exchange, || exchange::call(it, method, query)).await
        }
        "/cgi-bin/stable_token" => {
            let call = || stable_token::call(it, method, &body);
            calls::of_server(it, Endpoint::StableToken, call).await
        }
        "/cgi-bin/user/info" => {
            calls::of_server(it, Endpoint::UserInfo, || user_info::call(it, method, query)).await
        }
        page::PATH if method == Method::POST => Ok(page::act(it, by, &body).await),
        page::PATH => Ok(page::show(it, by, None)),
        "/" => Ok(redirect(StatusCode::FOUND, page::PATH).unwrap_or_else(|| bare(StatusCode::OK))),
        _ => Ok(bare(StatusCode::NOT_FOUND)),
    }
}

/// The first value of a name in a query or form.
pub(crate) fn parameter(query: &str, name: &str) -> Option<String> {
    let mut pairs = form_urlencoded::parse(query.as_bytes());
    pairs.find_map(|(key, value)| (key == name).then(|| value.into_owned()))
}
