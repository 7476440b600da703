//! Whether a broker answers: the smallest request of Kafka's protocol and its answer.
//!
//! A connect alone proves little: the system accepts connections for a process that is stopped.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

/// `ApiVersions` (key 18) in version 0, with correlation id 1 and no client id, after its length:
/// every broker answers it, also before authentication.
const REQUEST: [u8; 14] = [0, 0, 0, 10, 0, 18, 0, 0, 0, 0, 0, 1, 0xff, 0xff];

/// Whether the broker on this loopback port (not one of TLS) answers a request within this time.
#[must_use]
pub fn answers(port: u16, within: Duration) -> bool {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let exchange = || {
        let mut stream = TcpStream::connect_timeout(&address, within)?;
        stream.set_read_timeout(Some(within))?;
        stream.write_all(&REQUEST)?;
        let mut length_and_id = [0; 8];
        stream.read_exact(&mut length_and_id)?;
        Ok::<_, std::io::Error>(length_and_id[4..] == REQUEST[8..12])
    };
    exchange().unwrap_or(false)
}
