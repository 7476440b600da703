//! People who do things wrong, and one who watches: requests that are refused each in its way, and
//! an open stream of the tally.
//!
//! Nothing they do counts. Never here: an assertion on what they are told, which others test.

use std::io::Write as _;
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::kit::Request;
use crate::storm::Address;

/// Between one request and the next.
const PAUSE: Duration = Duration::from_millis(50);

/// Visitors of one edge, until they are told to go.
#[derive(Debug)]
pub(crate) struct Visitors {
    done: Arc<AtomicBool>,
    /// What is not read waits in the socket's buffer: a document a second, for a minute.
    stream: TcpStream,
    thread: JoinHandle<()>,
}

impl Visitors {
    /// They come to the campaign at this URL, one with a voter's token.
    pub(crate) fn start(url: &str, token: String) -> Self {
        let address = Address::of(url);
        let mut stream = TcpStream::connect(&address.host).unwrap();
        stream.write_all(&address.get("/tally/stream")).unwrap();
        let done = Arc::new(AtomicBool::new(false));
        let (flag, url) = (Arc::clone(&done), url.to_owned());
        // Joined by `finish`; if the test fails before, it ends with the process.
        let thread = thread::spawn(move || {
            while !flag.load(Ordering::SeqCst) {
                for request in requests(&url, &token) {
                    drop(request.try_send());
                    thread::park_timeout(PAUSE);
                }
            }
        });
        Self { done, stream, thread }
    }

    pub(crate) fn finish(self) {
        self.done.store(true, Ordering::SeqCst);
        drop(self.stream);
        self.thread.join().unwrap();
    }
}

fn requests(url: &str, token: &str) -> Vec<Request> {
    let ballots = format!("{url}/ballots");
    vec![
        Request::ballot(&ballots, "no token", &[1]),
        Request::ballot(&ballots, token, &[99]),
        Request::get(&format!("{url}/tally")),
        Request::ballot(&format!("{url}/tally"), token, &[1]),
        Request::get(&format!("{url}/no-such-thing")),
        Request::get(&format!("{url}-unknown/tally")),
    ]
}
