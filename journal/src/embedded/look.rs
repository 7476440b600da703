//! Looks at a journal without changing a byte: what opening writes stays in memory, over the file.
//!
//! So a file that was not closed well is repaired as at an opening, and compared in the same way,
//! and is afterwards what it was. Invariant: the file is only ever opened to be read, and nothing
//! is made beside it. Never here: memory without a bound; what a repair would change must fit.

use std::collections::BTreeMap;
use std::fs::{File, TryLockError};
use std::io::{Error as IoError, ErrorKind};
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};

use redb::{Database, StorageBackend};

/// redb's own page; what is changed is kept in pieces of this size.
const PAGE: usize = 4_096;
/// How many changed pages are kept: 64 MiB. A repair with the allocator's state saved, as ours is
/// at each commit, changes a few.
const PAGES_MAX: usize = 16_384;

/// A database over a file that stays as it is.
pub(super) fn database(file: &Path, cache_bytes: usize) -> Result<Database, redb::DatabaseError> {
    let overlay = Overlay::over(file).map_err(redb::StorageError::from)?;
    Database::builder().set_cache_size(cache_bytes).create_with_backend(overlay)
}

/// A file, and what would have been written into it. Any number of threads read at once.
#[derive(Debug, Clone)]
struct Overlay(Arc<RwLock<State>>);

#[derive(Debug)]
struct State {
    file: File,
    /// How much of the file still shows where no page is kept.
    shown: u64,
    len: u64,
    pages: BTreeMap<u64, Box<[u8]>>,
}

impl Overlay {
    fn over(file: &Path) -> Result<Self, IoError> {
        let file = File::open(file)?;
        // Whoever writes holds it alone. A journal that was copied may have no lock beside it, and
        // not every file system has locks.
        if matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)) {
            return Err(IoError::other("another process has it open"));
        }
        let len = file.metadata()?.len();
        if len == 0 {
            // An empty file would be taken for one in which a database is to be made.
            return Err(IoError::new(ErrorKind::InvalidData, "it is empty"));
        }
        Ok(Self(Arc::new(RwLock::new(State { file, shown: len, len, pages: BTreeMap::new() }))))
    }

    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.0.write().unwrap_or_else(PoisonError::into_inner))
    }

    fn see<T>(&self, see: impl FnOnce(&State) -> T) -> T {
        see(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl State {
    fn read(&self, offset: u64, out: &mut [u8]) -> Result<(), IoError> {
        let end = offset.checked_add(out.len() as u64).filter(|end| *end <= self.len);
        let end = end.ok_or(ErrorKind::UnexpectedEof)?;
        // Nearly all of a file stays as it was: one read, then, not one for each page.
        let touched = self.pages.range(place(offset).0..=place(end).0).next().is_some();
        if !touched && end <= self.shown {
            return self.file.read_exact_at(out, offset);
        }
        pieces(offset, out.len()).try_for_each(|(start, end)| {
            self.read_piece(offset + start as u64, &mut out[start..end])
        })
    }

    /// A piece that lies within one page.
    fn read_piece(&self, offset: u64, out: &mut [u8]) -> Result<(), IoError> {
        let (page, within) = place(offset);
        if let Some(page) = self.pages.get(&page) {
            out.copy_from_slice(&page[within..within + out.len()]);
            return Ok(());
        }
        let there = usize::try_from(self.shown.saturating_sub(offset)).unwrap_or(usize::MAX);
        let (there, beyond) = out.split_at_mut(there.min(out.len()));
        beyond.fill(0);
        self.file.read_exact_at(there, offset)
    }

    /// The same, to be written.
    fn write_piece(&mut self, offset: u64, data: &[u8]) -> Result<(), IoError> {
        let (number, within) = place(offset);
        if !self.pages.contains_key(&number) {
            if self.pages.len() >= PAGES_MAX {
                return Err(IoError::other("it needs a repair that is too large to be tried here"));
            }
            let mut page = vec![0; PAGE].into_boxed_slice();
            self.read_piece(number * PAGE as u64, &mut page)?;
            self.pages.insert(number, page);
        }
        if let Some(page) = self.pages.get_mut(&number) {
            page[within..within + data.len()].copy_from_slice(data);
        }
        Ok(())
    }

    fn set_len(&mut self, len: u64) {
        if len < self.len {
            // What is cut off is zero when it comes back.
            self.shown = self.shown.min(len);
            let (last, within) = place(len);
            self.pages.retain(|page, _| *page <= last);
            if let Some(page) = self.pages.get_mut(&last) {
                page[within..].fill(0);
            }
        }
        self.len = len;
    }
}

/// The page of an offset, and the place in it.
fn place(offset: u64) -> (u64, usize) {
    let within = usize::try_from(offset % PAGE as u64).unwrap_or_default();
    (offset / PAGE as u64, within)
}

/// Where the pieces of `len` bytes at an offset begin and end, none across two pages.
fn pieces(offset: u64, len: usize) -> impl Iterator<Item = (usize, usize)> {
    let (mut start, first) = (0, PAGE - place(offset).1);
    std::iter::from_fn(move || {
        let end = if start == 0 { first } else { start + PAGE }.min(len);
        let piece = (start < len).then_some((start, end));
        start = end;
        piece
    })
}

impl StorageBackend for Overlay {
    fn len(&self) -> Result<u64, IoError> {
        Ok(self.see(|state| state.len))
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> Result<(), IoError> {
        self.see(|state| state.read(offset, out))
    }

    fn set_len(&self, len: u64) -> Result<(), IoError> {
        self.change(|state| state.set_len(len));
        Ok(())
    }

    fn sync_data(&self) -> Result<(), IoError> {
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> Result<(), IoError> {
        self.change(|state| {
            pieces(offset, data.len()).try_for_each(|(start, end)| {
                state.write_piece(offset + start as u64, &data[start..end])
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back_over_a_file_that_stays_as_it_was() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        let before: Vec<u8> = (0..10_000_u32).map(|byte| (byte % 251) as u8 + 1).collect();
        std::fs::write(&file, &before).unwrap();
        let overlay = Overlay::over(&file).unwrap();
        let read = |offset: u64, len: usize| {
            let mut out = vec![9; len];
            overlay.read(offset, &mut out).map(|()| out)
        };
        let mut model = before.clone();
        for (offset, len) in [(0, 3), (4_090, 12), (4_095, 4_098), (9_999, 1)] {
            overlay.write(offset as u64, &vec![0xee; len]).unwrap();
            model[offset..offset + len].fill(0xee);
            assert_eq!(read(0, model.len()).unwrap(), model, "{offset}");
            assert_eq!(read(4_000, 5_000).unwrap(), model[4_000..9_000]);
        }
        assert!(read(9_999, 2).is_err(), "there is nothing beyond the end");
        for len in [5_000, 12_000] {
            overlay.set_len(len as u64).unwrap();
            model.resize(len, 0);
            assert_eq!(read(0, len).unwrap(), model, "{len}");
        }
        assert_eq!(std::fs::read(&file).unwrap(), before);
    }
}
