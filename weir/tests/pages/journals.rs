//! The journals that servers can have, and the commands that an operator gives for each: `weir up`
//! with one of its own, or on Kafka `weir topics`, and then `weir ingest` beside `weir aggregate`.
//!
//! Scenarios know nothing of it: to them a server is an origin. Never here: a process that serves.

use crate::kit::weir;

/// Where ballots are kept.
#[derive(Debug)]
pub(crate) enum Journal {
    /// In the server's own directory.
    Embedded,
    /// In Kafka, which is found there.
    Kafka(String),
}

/// What a server is to be.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    /// Its directory: the keys, and whatever it keeps itself.
    pub(crate) data: String,
    pub(crate) port: u16,
    /// The campaigns' files.
    pub(crate) files: Vec<String>,
    pub(crate) flags: Vec<String>,
}

impl Journal {
    /// Makes what a campaign's file needs before anything can serve it.
    pub(crate) fn found(&self, wanted: &Wanted, file: &str) -> Result<(), String> {
        match self {
            Self::Embedded => Ok(()),
            Self::Kafka(kafka) => topics(kafka, wanted, &["--partitions", "4"], file),
        }
    }

    /// Writes the rules that a campaign's file has now, while it is served.
    pub(crate) fn extend(&self, wanted: &Wanted, file: &str) -> Result<(), String> {
        match self {
            Self::Embedded => Err("`weir up` has its journal to itself: stop it first".to_owned()),
            Self::Kafka(kafka) => topics(kafka, wanted, &["--extend"], file),
        }
    }

    /// The processes' commands, with whatever meets voters first.
    pub(crate) fn commands(&self, wanted: &Wanted) -> Vec<Vec<String>> {
        let Wanted { data, port, files, flags } = wanted;
        let here = format!("127.0.0.1:{port}");
        let command = |words: &[&str], listen: &str, flags: &[String]| {
            let listens = ["--listen", listen, "--ops-listen", "127.0.0.1:0"];
            let campaigns = files.iter().flat_map(|file| ["--campaign", file]);
            let words = words.iter().copied().chain(listens).chain(campaigns);
            words.map(str::to_owned).chain(flags.iter().cloned()).collect::<Vec<_>>()
        };
        let Self::Kafka(kafka) = self else {
            return vec![command(&["up", "--data", data], &here, flags)];
        };
        let public = format!("http://{here}");
        let on_kafka = ["--kafka", kafka, "--replication", "1", "--drain-wait", "0"];
        let of_an_edge = ["--keys", data, "--identity-data", data, "--public-url", &public];
        let edge = [&["ingest"], on_kafka.as_slice(), &of_an_edge].concat();
        let aggregate = [&["aggregate"], on_kafka.as_slice()].concat();
        vec![command(&edge, &here, flags), command(&aggregate, "127.0.0.1:0", &[])]
    }
}

fn topics(kafka: &str, wanted: &Wanted, more: &[&str], file: &str) -> Result<(), String> {
    std::fs::create_dir_all(&wanted.data).map_err(|error| error.to_string())?;
    let args = ["topics", "--kafka", kafka, "--replication", "1", "--keys", &wanted.data];
    let ran = weir(&[args.as_slice(), &["--campaign", file], more].concat());
    if ran.code == Some(0) { Ok(()) } else { Err(ran.stderr) }
}
