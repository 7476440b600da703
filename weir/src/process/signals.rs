//! The signals this process hears: those that ask it to end, and the one to read its files again.
//!
//! Invariant: from the moment these exist, none of them ends the process by itself.

use std::io::{self, IsTerminal as _};

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::exit::Failure;

/// SIGTERM and SIGINT; and SIGHUP, where it says that the terminal is gone.
#[derive(Debug)]
pub(super) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
    /// Whether whoever started this watches it on a terminal.
    is_watched: bool,
}

impl Signals {
    pub(super) fn new() -> Result<Self, Failure> {
        Ok(Self {
            terminate: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
            hangup: listen(SignalKind::hangup())?,
            is_watched: io::stderr().is_terminal(),
        })
    }

    /// Resolves with the next of them.
    pub(super) async fn next(&mut self) {
        loop {
            // Any is as good; all are waited for at once. Biased, as everywhere.
            tokio::select! {
                biased;
                _ = self.terminate.recv() => return,
                _ = self.interrupt.recv() => return,
                _ = self.hangup.recv() => {
                    // A terminal that was closed is none any more. It says so several times.
                    if self.is_watched && !io::stderr().is_terminal() {
                        self.is_watched = false;
                        return;
                    }
                }
            }
        }
    }
}

/// SIGHUP.
#[derive(Debug)]
pub(super) struct Hangups(Signal);

impl Hangups {
    pub(super) fn new() -> Result<Self, Failure> {
        listen(SignalKind::hangup()).map(Self)
    }

    /// Resolves with the next one.
    pub(super) async fn next(&mut self) {
        self.0.recv().await;
    }
}

fn listen(kind: SignalKind) -> Result<Signal, Failure> {
    signal(kind).map_err(|error| Failure::internal(format!("cannot listen for signals: {error}")))
}
