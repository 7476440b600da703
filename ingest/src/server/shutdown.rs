//! The two signals that end a server: drain, then force.
//!
//! Invariant: force implies drain. Both are final.

use std::future::Future;

use tokio_util::sync::CancellationToken;

/// The handle to a server's end. Clones are the same handle.
#[derive(Debug, Clone)]
pub struct Shutdown {
    drain: CancellationToken,
    force: CancellationToken,
}

impl Shutdown {
    /// A handle for servers that are to end together.
    #[must_use]
    pub fn new() -> Self {
        let force = CancellationToken::new();
        Self { drain: force.child_token(), force }
    }

    /// Stop accepting, finish what is in flight, end event streams.
    pub fn drain(&self) {
        self.drain.cancel();
    }

    /// Drop what is left, without waiting.
    pub fn force(&self) {
        self.force.cancel();
    }

    /// Whether the drain has begun.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.drain.is_cancelled()
    }

    /// Resolves when the drain begins. Event streams of this server end then by themselves; this
    /// is for what else lives longer than a request.
    pub fn draining(&self) -> impl Future<Output = ()> + Send + use<> {
        self.drain.clone().cancelled_owned()
    }

    /// Resolves when the drain is forced.
    pub fn forced(&self) -> impl Future<Output = ()> + Send + use<> {
        self.force.clone().cancelled_owned()
    }
}

impl Default for Shutdown {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn force_implies_drain_but_drain_does_not_force() {
        let shutdown = Shutdown::new();
        shutdown.drain();
        shutdown.draining().await;
        assert!(shutdown.is_draining() && !shutdown.force.is_cancelled());

        let shutdown = Shutdown::new();
        shutdown.force();
        shutdown.forced().await;
        assert!(shutdown.is_draining());
    }
}
