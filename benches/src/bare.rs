//! Bare hyper, the baseline: HTTP/1.1 with nothing around it, set as the edge sets it.
//!
//! Never here: a deadline, a count or a look at the request, which are what a server costs on top.

use std::convert::Infallible;
use std::net::SocketAddr;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use ingest::server::Limits;
use tokio::net::TcpListener;

use crate::Error;

/// What bare hyper answers.
pub type Answer = Result<Response<Full<Bytes>>, Infallible>;

/// Serves until the process ends; where.
///
/// # Errors
/// If there is no port.
pub async fn serve_bare<F, A>(answer: F) -> Result<SocketAddr, Error>
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
