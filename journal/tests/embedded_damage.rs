//! A journal's file that is not what was written: it is refused with one sentence, whatever redb
//! makes of it, and left as it is. Damage that is met later is in `embedded_faults.rs`.

#![expect(clippy::unwrap_used, reason = "a failing test must say where")]

#[macro_use]
mod conformance;

use std::fs;

use conformance::append_some;
use journal::{Embedded, EmbeddedOptions, Error, Journal};
use tempfile::TempDir;

const PAGE: usize = 4_096;
/// Where the commit slots begin in the header, of 128 bytes each.
const SLOTS: usize = 64;

/// A journal with some records: what is on the disk while it is open, and once it is closed.
async fn files(dir: &TempDir) -> [Vec<u8>; 2] {
    let options = EmbeddedOptions::new(dir.path(), "c", 2);
    let journal = Embedded::open(&options).unwrap();
    for partition in [0, 1] {
        append_some(&journal, partition, 200).await;
    }
    let open = fs::read(options.file()).unwrap();
    journal.close().await;
    [open, fs::read(options.file()).unwrap()]
}

/// What may become of a file. Of one that was not closed, an empty page may be missing at its end,
/// and nothing is missing then: here that page is in use.
fn damaged(whole: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut damaged = Vec::new();
    let cuts = [0, 5, 9, 320, PAGE, 2 * PAGE, whole.len() / 2, whole.len() - PAGE, whole.len() - 1];
    damaged.extend(cuts.map(|len| (format!("cut to {len}"), whole[..len].to_vec())));
    let changed = |what: &str, change: &dyn Fn(&mut Vec<u8>)| {
        let mut file = whole.to_vec();
        change(&mut file);
        (what.to_owned(), file)
    };
    // In the magic number, the page size, and a version of both commit slots.
    for byte in [2, 12, 17, SLOTS, SLOTS + 128] {
        damaged.push(changed(&format!("byte {byte} flipped"), &|file| file[byte] ^= 1));
    }
    let slots = |file: &mut Vec<u8>| [20, 148].iter().for_each(|place| file[SLOTS + place] ^= 16);
    damaged.push(changed("both commit slots changed", &slots));
    damaged.push(changed("zero but for the header", &|file| file[PAGE..].fill(0)));
    damaged.push(changed("zero", &|file| file.fill(0)));
    damaged.push(("a text".to_owned(), b"this is no database\n".repeat(1_000)));
    damaged
}

#[tokio::test]
async fn a_damaged_file_is_refused_with_the_way_out_and_left_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let file = EmbeddedOptions::new(dir.path(), "c", 2).file();
    for whole in files(&dir).await {
        for (what, bytes) in damaged(&whole) {
            fs::write(&file, &bytes).unwrap();
            let options = EmbeddedOptions::new(dir.path(), "c", 2);
            for open in [Embedded::open, Embedded::look] {
                let refused = open(&options).unwrap_err();
                let sentence = refused.to_string();
                assert!(matches!(refused, Error::Refused(_)), "{what}: {sentence}");
                let beginning = format!("{} is damaged or was cut off (", file.display());
                assert!(sentence.starts_with(&beginning), "{what}: {sentence}");
                assert!(sentence.contains("; put it back from your copy"), "{what}: {sentence}");
                assert_eq!(sentence.lines().count(), 1, "{what}: {sentence}");
                assert!(fs::read(&file).unwrap() == bytes, "{what}: it was changed");
            }
        }
        // What was refused holds nothing.
        fs::write(&file, &whole).unwrap();
        let journal = Embedded::open(&EmbeddedOptions::new(dir.path(), "c", 2)).unwrap();
        assert_eq!(journal.bounds(1).await, Ok(0..200));
        journal.close().await;
    }
}

#[tokio::test]
async fn an_empty_database_in_a_journals_place_is_not_made_into_one() {
    let dir = tempfile::tempdir().unwrap();
    let options = EmbeddedOptions::new(dir.path(), "c", 2);
    drop(redb::Database::create(options.file()).unwrap());
    let before = fs::read(options.file()).unwrap();
    let sentence = Embedded::open(&options).unwrap_err().to_string();
    assert!(sentence.contains("(there is no journal in it)"), "{sentence}");
    assert!(fs::read(options.file()).unwrap() == before);
}
