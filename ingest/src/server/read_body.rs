//! Reads a request's body within a size and a time.
//!
//! Invariant: no more than the limit is ever held, and a body that announces more is not read at
//! all. Never here: a timer, a copy, or a question, for a body that is already there in one piece.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::Body;
use tokio::time::timeout;

/// Why a body was not read to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// It is, or says it will be, longer than allowed.
    #[error("the body is too large")]
    TooLarge,
    /// It did not arrive in time.
    #[error("the body did not arrive in time")]
    TimedOut,
    /// The peer broke off, or what it sent is not HTTP.
    #[error("the body broke off")]
    Broken,
}

/// Reads a whole body of at most `limit_bytes` that is in within `deadline` from now.
///
/// # Errors
/// As [`BodyError`] says; the connection can still carry the answer unless it is `Broken`.
pub async fn read_body<B>(
    body: B,
    limit_bytes: usize,
    deadline: Duration,
) -> Result<Bytes, BodyError>
where
    B: Body<Data = Bytes> + Unpin,
{
    read_body_if(body, limit_bytes, deadline, || Ok(())).await
}

/// Reads a body as [`read_body`] does, but asks before it waits for one that is not all there. It
/// keeps what it is answered until the body is read.
///
/// # Errors
/// As [`BodyError`] says, or as `may_wait` does.
pub(crate) async fn read_body_if<B, G, E>(
    body: B,
    limit_bytes: usize,
    deadline: Duration,
    may_wait: impl FnOnce() -> Result<G, E>,
) -> Result<Bytes, E>
where
    B: Body<Data = Bytes> + Unpin,
    E: From<BodyError>,
{
    let mut reading = pin!(read_to_end(body, limit_bytes));
    // Nearly always the body came with the header; then there is nothing to wait for.
    let read = match poll_fn(|cx| Poll::Ready(reading.as_mut().poll(cx))).await {
        Poll::Ready(read) => read,
        Poll::Pending => {
            let _granted = may_wait()?;
            timeout(deadline, reading).await.unwrap_or(Err(BodyError::TimedOut))
        }
    };
    Ok(read?)
}

async fn read_to_end<B>(mut body: B, limit_bytes: usize) -> Result<Bytes, BodyError>
where
    B: Body<Data = Bytes> + Unpin,
{
    // The lower bound is the Content-Length, where there is one.
    if usize::try_from(body.size_hint().lower()).map_or(true, |announced| announced > limit_bytes) {
        return Err(BodyError::TooLarge);
    }
    let Some(first) = next_chunk(&mut body, limit_bytes).await? else {
        return Ok(Bytes::new());
    };
    let Some(second) = next_chunk(&mut body, limit_bytes - first.len()).await? else {
        return Ok(first);
    };
    let mut whole = BytesMut::from(first);
    whole.extend_from_slice(&second);
    while let Some(chunk) = next_chunk(&mut body, limit_bytes - whole.len()).await? {
        whole.extend_from_slice(&chunk);
    }
    Ok(whole.freeze())
}

/// The next chunk that is not empty, of at most `room_bytes`; `None` at the end.
async fn next_chunk<B>(body: &mut B, room_bytes: usize) -> Result<Option<Bytes>, BodyError>
where
    B: Body<Data = Bytes> + Unpin,
{
    while !body.is_end_stream() {
        let Some(frame) = body.frame().await else {
            break;
        };
        // Trailers say nothing to us.
        let Ok(chunk) = frame.map_err(|_| BodyError::Broken)?.into_data() else {
            continue;
        };
        if chunk.len() > room_bytes {
            return Err(BodyError::TooLarge);
        }
        if !chunk.is_empty() {
            return Ok(Some(chunk));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::stream;
    use http_body_util::{Full, StreamBody};
    use hyper::body::Frame;

    const LONG: Duration = Duration::from_secs(1);

    /// A body of these chunks that breaks off at an `Err`.
    fn chunks(chunks: Vec<Result<&'static str, ()>>) -> impl Body<Data = Bytes> + Unpin {
        let frames = chunks.into_iter().map(|chunk| chunk.map(|text| Frame::data(text.into())));
        StreamBody::new(stream::iter(frames))
    }

    #[tokio::test]
    async fn a_body_in_one_piece_is_handed_on_without_a_copy() {
        let sent = Bytes::from(vec![7; 100]);
        let read = read_body(Full::new(sent.clone()), 100, LONG).await.unwrap();
        assert_eq!(read.as_ptr(), sent.as_ptr());
        assert_eq!(read, sent);
    }

    #[tokio::test]
    async fn a_body_in_pieces_is_joined_and_empty_pieces_do_no_harm() {
        let body = chunks(vec![Ok(""), Ok("abc"), Ok(""), Ok("de"), Ok("f")]);
        assert_eq!(read_body(body, 6, LONG).await.unwrap(), "abcdef");
        assert_eq!(read_body(chunks(vec![]), 0, LONG).await.unwrap(), "");
    }

    #[tokio::test]
    async fn a_body_without_a_length_is_refused_at_the_piece_that_exceeds_the_limit() {
        // What lies behind is not reached, or it would be `Broken`.
        let body = chunks(vec![Ok("abc"), Ok("de"), Ok("fg"), Err(())]);
        assert_eq!(read_body(body, 6, LONG).await, Err(BodyError::TooLarge));
        let body = chunks(vec![Ok("abc"), Err(())]);
        assert_eq!(read_body(body, 6, LONG).await, Err(BodyError::Broken));
    }

    #[tokio::test]
    async fn a_body_is_waited_for_only_by_leave_and_one_that_is_there_needs_none() {
        let no = || Err::<(), _>(BodyError::Broken);
        let there = read_body_if(chunks(vec![Ok("abc"), Ok("de")]), 6, LONG, no).await;
        assert_eq!(there.unwrap(), "abcde");
        let body = StreamBody::new(stream::pending::<Result<Frame<Bytes>, ()>>());
        assert_eq!(read_body_if(body, 6, LONG, no).await, Err(BodyError::Broken));
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_stops_is_given_up_at_the_deadline() {
        let body = StreamBody::new(stream::pending::<Result<Frame<Bytes>, ()>>());
        let asked = tokio::time::Instant::now();
        assert_eq!(read_body(body, 6, LONG).await, Err(BodyError::TimedOut));
        assert_eq!(asked.elapsed(), LONG);
    }
}
