//! How many tally streams there may be: of a process, of a network, of a voter's own connection.
//!
//! Invariant: every place is given back with its stream, and a network is known only while one of
//! its streams is open; so there are no more entries than streams. Never here: an address in a log
//! or a metric.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::abuse::{Connection, OpenStream};
use crate::caller::Prefix;
use crate::problem::Problem;
use crate::refusal::Refusal;

/// The most tally streams of a process: 10,000 with a document of 10 KB four times a second are
/// 3 Gbit/s, more than an edge has.
const STREAMS_MAX: usize = 10_000;
/// The most of one network: an office with the board on every screen. Whoever has fifty networks
/// can take all places, and a carrier's exit takes no more than these; the board asks every few
/// seconds where it gets no stream.
const NETWORK_MAX: usize = 200;

/// The places for tally streams.
#[derive(Debug)]
pub(crate) struct Places {
    all: Arc<Semaphore>,
    networks: Arc<Networks>,
}

/// How many streams are open of each network. Held for microseconds.
#[derive(Debug, Default)]
struct Networks(Mutex<HashMap<Prefix, usize>>);

/// A stream's place, until it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    _network: Option<OfNetwork>,
    _connection: Option<OpenStream>,
    _permit: OwnedSemaphorePermit,
}

#[derive(Debug)]
struct OfNetwork {
    networks: Arc<Networks>,
    network: Prefix,
}

impl Default for Places {
    fn default() -> Self {
        Self { all: Arc::new(Semaphore::new(STREAMS_MAX)), networks: Arc::default() }
    }
}

impl Places {
    /// A place for a stream that is asked for there, by this connection where it is one voter's.
    pub(crate) fn take(
        &self,
        network: Option<Prefix>,
        connection: Option<&Arc<Connection>>,
    ) -> Result<Place, Refusal> {
        // Who has too many is told that before anybody is told that there are none left.
        let connection =
            connection.map(|of| OpenStream::of(of).ok_or_else(too_many)).transpose()?;
        let network = network.map(|network| self.of_network(network)).transpose()?;
        let permit = Arc::clone(&self.all).try_acquire_owned();
        let permit = permit.map_err(|_| Problem::Overloaded)?;
        Ok(Place { _network: network, _connection: connection, _permit: permit })
    }

    /// How many more there may be.
    pub(crate) fn left(&self) -> usize {
        self.all.available_permits()
    }

    fn of_network(&self, network: Prefix) -> Result<OfNetwork, Refusal> {
        let mut counts = self.networks.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(network).or_default();
        if *count >= NETWORK_MAX {
            return Err(Problem::RateLimited.because(
                "Very many watch the result from your network. Please reload it now and then.",
                "您所在的网络查看结果的人数很多，请稍后刷新查看。",
            ));
        }
        *count += 1;
        Ok(OfNetwork { networks: Arc::clone(&self.networks), network })
    }
}

fn too_many() -> Refusal {
    Problem::RateLimited.because(
        "You watch the result several times already. Please close a page that shows it.",
        "您已打开多个结果页面，请先关闭其中一个。",
    )
}

impl Drop for OfNetwork {
    fn drop(&mut self) {
        let mut counts = self.networks.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.network) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.network);
                if counts.is_empty() {
                    counts.shrink_to_fit();
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(number: u8) -> Option<Prefix> {
        Some(Prefix::of(std::net::IpAddr::from([198, 51, number, 1])))
    }

    #[test]
    fn a_network_has_so_many_places_and_is_forgotten_with_its_last_stream() {
        let places = Places::default();
        let mut taken: Vec<_> =
            (0..NETWORK_MAX).map(|_| places.take(network(1), None).unwrap()).collect();
        let refused = places.take(network(1), None).unwrap_err();
        assert_eq!(refused.problem, Problem::RateLimited);
        // Nobody else is meant, nor whoever is on this machine.
        drop(places.take(network(2), None).unwrap());
        drop(places.take(None, None).unwrap());
        taken.pop();
        taken.push(places.take(network(1), None).unwrap());
        assert_eq!(places.networks.0.lock().unwrap().len(), 1);
        drop(taken);
        assert!(places.networks.0.lock().unwrap().is_empty());
        assert_eq!(places.left(), STREAMS_MAX);
    }

    #[tokio::test]
    async fn who_is_refused_holds_no_place() {
        let few = Places { all: Arc::new(Semaphore::new(1)), ..Places::default() };
        let connection = Arc::new(Connection::new());
        let first = few.take(network(1), Some(&connection)).unwrap();
        for _ in 0..10 {
            let refused = few.take(network(2), Some(&connection)).unwrap_err();
            assert_eq!(refused.problem, Problem::Overloaded);
        }
        assert_eq!(few.networks.0.lock().unwrap().len(), 1);
        drop(first);
        drop(few.take(network(2), Some(&connection)).unwrap());
    }
}
