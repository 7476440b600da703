//! Voters with tokens from the file's `token` service, who vote through the balancer. Not one of
//! their requests may fail.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use crate::client::Client;
use crate::here::Here;

/// More than two voters at a time can use up while an edge restarts.
const COUNT: usize = 6_000;

/// Who votes at once; each has a connection, and votes again after this.
const AT_ONCE: usize = 4;
const PAUSE: Duration = Duration::from_millis(10);

pub(crate) struct Voters {
    tokens: Vec<String>,
    next: AtomicUsize,
    port: u16,
    path: String,
}

impl Voters {
    pub(crate) fn new(here: &Here<'_>) -> Self {
        let ids: Vec<String> = (0..COUNT).map(|number| format!("voter-{number}")).collect();
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        let tokens = here.run("token", &ids);
        let tokens: Vec<String> = tokens.lines().map(str::to_owned).collect();
        assert_eq!(tokens.len(), COUNT, "one a line, and nothing else: {:?}", tokens.first());
        let path = "/v1/campaigns/hubei-2023/ballots".to_owned();
        Self { tokens, next: AtomicUsize::new(0), port: here.port("balancer", 8080), path }
    }

    /// Some vote, and go on for as long as something else lasts; how many votes were acknowledged.
    pub(crate) fn cast_while(&self, act: impl FnOnce()) -> u64 {
        let over = AtomicBool::new(false);
        let over = &over;
        std::thread::scope(|scope| {
            // Ended with the scope, also when `act` fails.
            let end = End(over);
            let cast = || {
                let mut client = Client::open(self.port);
                let mut count = 0;
                while !over.load(Ordering::SeqCst) {
                    self.cast(&mut client);
                    count += 1;
                    std::thread::park_timeout(PAUSE);
                }
                count
            };
            let threads = [(); AT_ONCE].map(|()| scope.spawn(cast));
            act();
            drop(end);
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        })
    }

    pub(crate) fn cast_one(&self) {
        self.cast(&mut Client::open(self.port));
    }

    fn cast(&self, client: &mut Client) {
        let number = self.next.fetch_add(1, Ordering::SeqCst);
        let token = self.tokens.get(number).unwrap();
        let answer = client.cast(&self.path, token, &[1, 5, 7]);
        let answer = answer.unwrap_or_else(|why| panic!("ballot {number}: no answer: {why}"));
        assert!(answer.starts_with("HTTP/1.1 202 "), "ballot {number}: {answer}");
    }
}

/// Says that it is over when it goes.
struct End<'a>(&'a AtomicBool);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}
