//! A saved tally document as the description of a journal prefix, and as what a recount of that
//! prefix is compared with.
//!
//! Nothing in it is believed: only its frontiers are used, to know where to stop.

use std::fs;
use std::path::Path;

use ballot::JournalId;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::exit::Failure;

/// What is needed of a saved document; the rest is compared as bytes.
#[derive(Debug, Deserialize)]
struct Document {
    journal: String,
    partitions: Vec<Partition>,
}

#[derive(Debug, Deserialize)]
struct Partition {
    partition: usize,
    frontier: u64,
}

/// A saved tally document.
#[derive(Debug)]
pub(super) struct Prefix {
    name: String,
    json: Vec<u8>,
    document: Document,
}

impl Prefix {
    pub(super) fn read(path: &Path) -> Result<Self, Failure> {
        let name = path.display().to_string();
        let wrong = |problem: String| Failure::configuration(format!("--prefix {name}: {problem}"));
        let mut json = fs::read(path).map_err(|error| wrong(format!("cannot be read: {error}")))?;
        // As `weir recount` prints it; a saved answer of the API has no line end.
        if json.last() == Some(&b'\n') {
            json.pop();
        }
        let document: Document = serde_json::from_slice(&json).map_err(|error| {
            wrong(format!("is not a tally document: {error}; save one from the API's /tally"))
        })?;
        Ok(Self { name, json, document })
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Where the prefix ends in each partition of a journal whose partitions end at `ends`.
    pub(super) fn frontiers(&self, journal: JournalId, ends: &[u64]) -> Result<Vec<u64>, Failure> {
        let Document { journal: of, partitions } = &self.document;
        if *of != journal.to_string() {
            return Err(self.differs(&format!("is of the journal {of}, this one is {journal}")));
        }
        if !partitions.iter().map(|p| p.partition).eq(0..ends.len()) {
            let problem = format!("does not have the partitions 0 to {}", ends.len() - 1);
            return Err(self.differs(&problem));
        }
        let beyond = partitions.iter().zip(ends).find(|(saved, end)| saved.frontier > **end);
        if let Some((Partition { partition, frontier }, end)) = beyond {
            return Err(self.differs(&format!(
                "covers partition {partition} up to {frontier}, the journal ends at {end}: \
                 records are gone"
            )));
        }
        Ok(partitions.iter().map(|partition| partition.frontier).collect())
    }

    /// Whether a recount of the prefix came out the same.
    pub(super) fn compare(&self, json: &[u8]) -> Result<(), Failure> {
        if self.json == json {
            return Ok(());
        }
        let differing = differing(&self.json, json);
        let what = if differing.is_empty() {
            "is not equal byte for byte to the recount, though it says the same".to_owned()
        } else {
            format!("is not equal to the recount: {} differ", differing.join(", "))
        };
        Err(self.differs(&what))
    }

    fn differs(&self, what: &str) -> Failure {
        Failure::differs(format!("{} {what}", self.name))
    }
}

/// The names of the fields in which two documents differ.
fn differing(saved: &[u8], recounted: &[u8]) -> Vec<String> {
    let fields = |json| serde_json::from_slice::<Map<String, Value>>(json).unwrap_or_default();
    let (saved, recounted) = (fields(saved), fields(recounted));
    let mut names: Vec<_> = saved.keys().chain(recounted.keys()).cloned().collect();
    names.sort_unstable();
    names.dedup();
    names.retain(|name| saved.get(name) != recounted.get(name));
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fields_that_differ_are_named() {
        let differ = differing(br#"{"a":1,"b":[1],"c":0}"#, br#"{"a":1,"b":[2],"d":0}"#);
        assert_eq!(differ, ["b", "c", "d"]);
        assert!(differing(br#"{"a":1,"b":2}"#, br#"{"b":2, "a":1}"#).is_empty());
    }
}
