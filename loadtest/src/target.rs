//! What is loaded: the edges, and the campaign as they serve it.
//!
//! Invariant: no edge but a loopback one, unless its owner says so. A campaign that the server
//! moved to start on another day is moved here in the same way. Never here: a ballot.

use std::net::{SocketAddr, ToSocketAddrs as _};
use std::time::Duration;

use ballot::{Campaign, Day, VotingDay, rfc3339};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use crate::connection::Connection;
use crate::http::Origin;

/// How long a question may take that is not part of the load.
const PATIENCE: Duration = Duration::from_secs(5);

/// One edge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edge {
    /// How its requests name it.
    pub origin: Origin,
    /// Where it listens.
    pub address: SocketAddr,
}

/// Why there is nothing to load.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refused {
    /// What was given is wrong.
    Arguments(String),
    /// No edge answers as Weir does.
    NoServer(String),
}

impl Edge {
    /// The edge at a URL `http://host:port`, for a campaign.
    ///
    /// # Errors
    /// [`Refused::Arguments`] for another URL, a host that is not found, or one that is not this
    /// machine while `own` is false.
    pub fn new(url: &str, campaign: &str, own: bool) -> Result<Self, Refused> {
        let wrong = |problem: &str| Refused::Arguments(format!("--edge {url}: {problem}"));
        let host = url
            .strip_prefix("http://")
            .map(|rest| rest.trim_end_matches('/'))
            .filter(|host| !host.is_empty() && !host.contains(['/', '@', '?']))
            .ok_or_else(|| wrong("give http://HOST:PORT; TLS and paths are not spoken here"))?;
        let full = if host.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok()) {
            host.to_owned()
        } else {
            format!("{host}:80")
        };
        let found = full.to_socket_addrs().map_err(|error| wrong(&error.to_string()))?;
        let found: Vec<SocketAddr> = found.collect();
        if !own && !found.iter().all(|address| address.ip().is_loopback()) {
            return Err(wrong(
                "is not on this machine. A load on somebody else's server is an attack; if it is \
                 yours, say so with --i-own-this-server",
            ));
        }
        let address = *found.first().ok_or_else(|| wrong("this name has no address"))?;
        let path = format!("/v1/campaigns/{campaign}");
        Ok(Self { origin: Origin { host: host.to_owned(), path }, address })
    }

    /// Asks for a document; below the campaign unless the path begins with a slash.
    ///
    /// # Errors
    /// A sentence: there was no answer in time, or another than 200.
    pub async fn ask<T: DeserializeOwned>(
        &self,
        path: &str,
        token: Option<&str>,
    ) -> Result<T, String> {
        let path = match path.strip_prefix('/') {
            Some(_) => path.to_owned(),
            None if path.is_empty() => self.origin.path.clone(),
            None => format!("{}/{path}", self.origin.path),
        };
        let host = &self.origin.host;
        let request = self.origin.question(&path, token);
        let answered = timeout(PATIENCE, async {
            let mut connection = Connection::open(self.address).await?;
            let head = connection.exchange(&request).await?;
            Ok::<_, std::io::Error>((head.status, connection.body().to_vec()))
        });
        match answered.await {
            Err(_) => Err(format!("{host} does not answer {path} within {PATIENCE:?}")),
            Ok(Err(error)) => Err(format!("{host} does not answer {path}: {error}")),
            Ok(Ok((200, body))) => serde_json::from_slice(&body)
                .map_err(|error| format!("{host} answers {path} with another document: {error}")),
            Ok(Ok((status, body))) => {
                let body = String::from_utf8_lossy(&body);
                Err(format!("{host} answers {path} with {status}: {body}"))
            }
        }
    }
}

/// The tally document, as far as it is compared.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Tally {
    /// The journal it is counted from.
    pub journal: String,
    /// Ballots counted.
    pub ballots: u64,
    /// Each day's counts.
    pub days: Vec<TallyDay>,
    /// How far each partition is counted.
    pub partitions: Vec<TallyPartition>,
}

/// A day of the tally document.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct TallyDay {
    /// The day, `YYYY-MM-DD`.
    pub day: String,
    /// Ballots counted.
    pub ballots: u64,
    /// Later ballots of voters counted.
    pub duplicates: u64,
    /// Ballots behind the day's close.
    pub late: u64,
    /// Votes of each choice, choice 1 first.
    pub votes: Vec<u64>,
}

/// A partition of the tally document.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct TallyPartition {
    /// The offset of the first record not counted.
    pub frontier: u64,
}

#[derive(Deserialize)]
struct Served {
    choices: Vec<serde_json::Value>,
    choices_per_ballot_min: u32,
    choices_per_ballot_max: u32,
    days: Vec<ServedDay>,
}

#[derive(Deserialize)]
struct ServedDay {
    day: String,
    start: String,
    end: String,
}

/// The campaign as an edge serves it: that of the file, moved if the server has moved it.
///
/// # Errors
/// [`Refused`]: no answer, or another campaign than the file's.
pub async fn campaign(edge: &Edge, of_file: Campaign) -> Result<Campaign, Refused> {
    let served: Served = edge.ask("", None).await.map_err(Refused::NoServer)?;
    let same = |campaign: &Campaign| {
        served.choices.len() == campaign.choices.len()
            && served.choices_per_ballot_min == campaign.choices_per_ballot_min
            && served.choices_per_ballot_max == campaign.choices_per_ballot_max
            && same_days(&served.days, &campaign.days())
    };
    let first = served.days.first().and_then(|day| day.day.parse::<VotingDay>().ok());
    let moved = first.and_then(|day| of_file.moved_to_start(day).ok());
    [Some(of_file), moved].into_iter().flatten().find(same).ok_or_else(|| {
        Refused::Arguments(format!(
            "--campaign: {} serves {} with other choices, limits or days than the file has; give \
             the file that the server was started with",
            edge.origin.host, edge.origin.path
        ))
    })
}

fn same_days(served: &[ServedDay], days: &[Day]) -> bool {
    let same = |served: &ServedDay, day: &Day| {
        served.day == day.day.to_string()
            && served.start == rfc3339(day.start_ms)
            && served.end == rfc3339(day.end_ms)
    };
    served.len() == days.len() && served.iter().zip(days).all(|(a, b)| same(a, b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_loaded_unless_its_owner_says_so() {
        for url in ["http://127.0.0.1:8080", "http://localhost:1/", "http://[::1]:80"] {
            assert!(Edge::new(url, "c", false).is_ok(), "{url}");
        }
        let refused = |url, own| match Edge::new(url, "c", own) {
            Err(Refused::Arguments(sentence)) => sentence,
            other => panic!("{url}: {other:?}"),
        };
        assert!(refused("http://192.0.2.1:80", false).contains("--i-own-this-server"));
        assert!(Edge::new("http://192.0.2.1:80", "c", true).is_ok());
        for url in ["https://localhost", "localhost:80", "http://localhost/a", "http://"] {
            assert!(refused(url, true).contains("http://HOST:PORT"), "{url}");
        }
    }
}
