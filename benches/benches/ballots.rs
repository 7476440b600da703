//! What the edge and the codec do with a ballot: the token's check, the reading of what was sent,
//! and a batch in and out of a record.
//!
//! `BENCH_BATCHES` (1,20,200,2000) says how many ballots the records have.

use std::hint::black_box;

use ballot::{BatchBuilder, Record, Token, words_for};
use benches::{Ballots, PerBallot, Poll, criterion, is_submission, list};
use criterion::{BenchmarkId, Criterion, Throughput};
use journal::{Clock as _, SystemClock};

fn main() {
    let mut criterion = criterion();
    token_check(&mut criterion);
    ballot_parse(&mut criterion);
    batches(&mut criterion);
    criterion.final_summary();
}

fn poll() -> Poll {
    Poll::started(benches::yesterday(SystemClock.now_ms()))
}

fn token_check(criterion: &mut Criterion<PerBallot>) {
    let tokens = poll().tokens;
    let ballot = Ballots::new(1, 0).next().expect("ballots never end");
    let token = Token { voter: ballot.voter, follower: true, fresh: false, expires_at_s: 1 };
    let text = tokens.mint(&token);
    assert_eq!(tokens.check(text.as_bytes(), 0), Ok(token));
    let mut group = criterion.benchmark_group("edge");
    group.throughput(Throughput::Elements(1));
    group.bench_function("token check", |b| b.iter(|| tokens.check(black_box(text.as_bytes()), 0)));
    group.finish();
}

fn ballot_parse(criterion: &mut Criterion<PerBallot>) {
    let mut group = criterion.benchmark_group("edge");
    group.throughput(Throughput::Elements(1));
    for (choices, body) in
        [(3, r#"{"choices":[1,5,7]}"#), (10, r#"{"choices":[1,5,7,8,11,12,14,15,19,20]}"#)]
    {
        assert!(is_submission(body.as_bytes()));
        let id = BenchmarkId::new("ballot parse", format!("{choices} choices"));
        group.bench_function(id, |b| b.iter(|| is_submission(black_box(body.as_bytes()))));
    }
    group.finish();
}

fn batches(criterion: &mut Criterion<PerBallot>) {
    let words = words_for(20);
    let mut group = criterion.benchmark_group("batch");
    for size in list::<u32>("BENCH_BATCHES", &[1, 20, 200, 2_000], &[1, 20]) {
        let ballots: Vec<_> = Ballots::new(1, 1).take(size as usize).collect();
        let encode = || {
            let mut batch = BatchBuilder::new(words);
            for ballot in black_box(&ballots) {
                batch.push(ballot);
            }
            Record::Batch(batch.finish()).encode()
        };
        // Down to the last column of each ballot: the columns are read as they are asked for.
        let decode = |value| match Record::decode(black_box(value)) {
            Ok(Record::Batch(batch)) => {
                Some(batch.ballots().map(|one| one.voter.low ^ u64::from(one.choices.len())).max())
            }
            Ok(Record::Rules(_) | Record::Close(_)) | Err(_) => None,
        };
        let value = encode();
        assert!(decode(&value).is_some());
        group.throughput(Throughput::Elements(u64::from(size)));
        group.bench_function(BenchmarkId::new("encode", size), |b| b.iter(encode));
        group.bench_function(BenchmarkId::new("decode", size), |b| b.iter(|| decode(&value)));
    }
    group.finish();
}
