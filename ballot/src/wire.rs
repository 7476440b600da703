//! The messages of `proto/weir.proto` as prost structs, written by hand.
//!
//! Columns are `bytes` here and `repeated fixed64` there: the same bytes on the wire, read in
//! chunks instead of one varint-checked element at a time (55 against 16 ns a ballot at 10 ballots
//! a record, 12 against 1.3 at 200). A test compiles the `.proto` and compares.
//!
//! A column comes in one piece. Protobuf lets a writer send it in several, which a reader puts
//! together; declared `repeated` here, the pieces are seen, so that they can be refused.

use bytes::Bytes;
use prost::Message;

/// The only record and snapshot version there is.
pub(crate) const VERSION: u32 = 1;

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Record {
    #[prost(uint32, tag = "1")]
    pub(crate) version: u32,
    #[prost(uint32, tag = "2")]
    pub(crate) kind: u32,
    #[prost(message, optional, tag = "3")]
    pub(crate) rules: Option<Rules>,
    #[prost(message, optional, tag = "4")]
    pub(crate) batch: Option<Batch>,
    #[prost(message, optional, tag = "5")]
    pub(crate) close: Option<Close>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Batch {
    #[prost(bytes = "bytes", repeated, tag = "1")]
    pub(crate) voter_high: Vec<Bytes>,
    #[prost(bytes = "bytes", repeated, tag = "2")]
    pub(crate) voter_low: Vec<Bytes>,
    #[prost(bytes = "bytes", repeated, tag = "3")]
    pub(crate) choices: Vec<Bytes>,
    #[prost(bytes = "bytes", repeated, tag = "4")]
    pub(crate) cast_at_ms: Vec<Bytes>,
    /// Packed varints below 128: a byte each.
    #[prost(bytes = "bytes", repeated, tag = "5")]
    pub(crate) risk: Vec<Bytes>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Rules {
    #[prost(bytes = "vec", tag = "1")]
    pub(crate) journal: Vec<u8>,
    #[prost(string, tag = "2")]
    pub(crate) campaign: String,
    #[prost(uint32, tag = "3")]
    pub(crate) partitions: u32,
    #[prost(uint32, tag = "4")]
    pub(crate) choices: u32,
    #[prost(uint32, tag = "5")]
    pub(crate) choices_per_ballot_min: u32,
    #[prost(uint32, tag = "6")]
    pub(crate) choices_per_ballot_max: u32,
    #[prost(message, repeated, tag = "7")]
    pub(crate) days: Vec<Day>,
    #[prost(uint64, tag = "8")]
    pub(crate) grace_ms: u64,
    #[prost(uint32, tag = "9")]
    pub(crate) fold_version: u32,
    #[prost(bytes = "vec", tag = "10")]
    pub(crate) pseudonym_key: Vec<u8>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Day {
    #[prost(uint32, tag = "1")]
    pub(crate) day: u32,
    #[prost(int64, tag = "2")]
    pub(crate) start_ms: i64,
    #[prost(int64, tag = "3")]
    pub(crate) end_ms: i64,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Close {
    #[prost(uint32, tag = "1")]
    pub(crate) day: u32,
    #[prost(int64, tag = "2")]
    pub(crate) instant_ms: i64,
    #[prost(int64, tag = "3")]
    pub(crate) clock_ms: i64,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Snapshot {
    #[prost(uint32, tag = "1")]
    pub(crate) version: u32,
    #[prost(bytes = "vec", tag = "2")]
    pub(crate) journal: Vec<u8>,
    #[prost(uint32, tag = "3")]
    pub(crate) partition: u32,
    #[prost(uint64, tag = "4")]
    pub(crate) frontier: u64,
    #[prost(bytes = "vec", tag = "5")]
    pub(crate) rules_hash: Vec<u8>,
    #[prost(message, repeated, tag = "6")]
    pub(crate) rules: Vec<RulesAt>,
    #[prost(message, repeated, tag = "7")]
    pub(crate) days: Vec<DayTally>,
    #[prost(message, optional, tag = "8")]
    pub(crate) outcomes: Option<Outcomes>,
    #[prost(uint32, repeated, tag = "9")]
    pub(crate) closed_days: Vec<u32>,
    #[prost(bytes = "vec", repeated, tag = "10")]
    pub(crate) digest_edge: Vec<Vec<u8>>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct RulesAt {
    #[prost(uint64, tag = "1")]
    pub(crate) offset: u64,
    #[prost(bytes = "bytes", tag = "2")]
    pub(crate) record: Bytes,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct DayTally {
    #[prost(uint32, tag = "1")]
    pub(crate) day: u32,
    #[prost(uint64, tag = "2")]
    pub(crate) ballots: u64,
    #[prost(uint64, tag = "3")]
    pub(crate) duplicates: u64,
    #[prost(uint64, tag = "4")]
    pub(crate) late: u64,
    #[prost(uint64, repeated, tag = "5")]
    pub(crate) votes: Vec<u64>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Outcomes {
    #[prost(uint64, tag = "1")]
    pub(crate) counted: u64,
    #[prost(uint64, tag = "2")]
    pub(crate) duplicate: u64,
    #[prost(uint64, tag = "3")]
    pub(crate) late: u64,
    #[prost(uint64, tag = "4")]
    pub(crate) outside: u64,
    #[prost(uint64, tag = "5")]
    pub(crate) invalid: u64,
    #[prost(uint64, tag = "6")]
    pub(crate) malformed: u64,
    #[prost(uint64, tag = "7")]
    pub(crate) misrouted: u64,
    #[prost(uint64, tag = "8")]
    pub(crate) ignored: u64,
}
