//! Every limit of the connection layer, with the source of its number.
//!
//! Never here: a limit that is switched off by a special value.

use std::time::Duration;

/// What one listener allows its peers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Connections open at once; one more is accepted and closed at once.
    pub connections_max: usize,
    /// From the connect until the first request's header is in.
    pub first_request_timeout: Duration,
    /// From the last answer until the next request's header is in. A peer who takes longer than
    /// this and `closing_timeout` to read a fixed answer is cut off.
    pub idle_timeout: Duration,
    /// Takes the place of `idle_timeout`, if it is shorter, while more than three quarters of
    /// `connections_max` are open: idle peers make room for voters who wait.
    pub idle_timeout_crowded: Duration,
    /// How long a connection that is being closed has, once nothing is in flight, for its last
    /// bytes to be sent; then it is cut off.
    pub closing_timeout: Duration,
    /// Request line and headers together; more is answered 431. Less than 8 KiB is taken for 8 KiB
    /// on HTTP/1.1, where it is also hyper's buffer, each way.
    pub header_bytes_max: u32,
    /// Concurrent requests on one HTTP/2 connection.
    pub streams_max: u32,
    /// A request's body, for [`read_body`](super::read_body).
    pub body_bytes_max: usize,
    /// From the header until the whole body is in, for [`read_body`](super::read_body).
    pub body_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            // 19 KB each when idle after a request (measured, of which hyper and tokio 18): 310 MB.
            connections_max: 16_384,
            // A phone that loses three packets in a row resends after 1, 2 and 4 s (RFC 6298).
            first_request_timeout: Duration::from_secs(10),
            // A balancer must close before its backend does, or a ballot meets a closing socket:
            // nginx keeps idle upstreams for 60 s and gives its own clients 75 s.
            idle_timeout: Duration::from_secs(75),
            // A voter needs about ten seconds in all; a reconnect costs one round trip.
            idle_timeout_crowded: Duration::from_secs(5),
            // As long as a phone needs to resend twice (RFC 6298), rounded up.
            closing_timeout: Duration::from_secs(5),
            // hyper's own default for HTTP/2; nginx refuses a line of more than 8 KiB.
            header_bytes_max: 16 * 1024,
            // A peer that opens no window has us hold an answer for each. RFC 9113, 6.5.2
            // recommends no less than 100, so as not to limit parallelism; a page makes 6 requests.
            streams_max: 32,
            // As for the header: a list of 2,000 numbers of seven digits fits.
            body_bytes_max: 16 * 1024,
            // A body fits the segments behind its header: as for the first request.
            body_timeout: Duration::from_secs(10),
        }
    }
}

impl Limits {
    /// How long a connection may be idle while `active` are open.
    pub(super) fn idle_timeout_at(&self, active: usize) -> Duration {
        if active > self.connections_max / 4 * 3 {
            self.idle_timeout_crowded.min(self.idle_timeout)
        } else {
            self.idle_timeout
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crowded_listener_shortens_the_idle_time_and_never_lengthens_it() {
        let limits = Limits { connections_max: 100, ..Limits::default() };
        assert_eq!(limits.idle_timeout_at(75), limits.idle_timeout);
        assert_eq!(limits.idle_timeout_at(76), limits.idle_timeout_crowded);
        let short = Limits { idle_timeout: Duration::from_secs(1), ..limits };
        assert_eq!(short.idle_timeout_at(76), Duration::from_secs(1));
    }
}
