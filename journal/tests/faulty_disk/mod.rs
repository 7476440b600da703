//! A disk in memory that fills up, fails, heals, and loses what was not synced when the power goes.
//!
//! It fails as badly as a real one may: a write that does not fit is torn, a sync that fails leaves
//! its pages readable but marks them clean, so that no later sync brings them to the disk.

use std::io::{Error, ErrorKind};
use std::ops::Range;
use std::sync::{Arc, Mutex};

use redb::{Database, DatabaseError, StorageBackend};

/// The database's page.
const PAGE: usize = 4_096;

/// What goes wrong, from when it is set until [`Disk::heal`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    None,
    /// After so many bytes nothing more can be written.
    FullAfterBytes(usize),
    /// After so many writes and syncs all of them fail.
    DeadAfter(usize),
    /// After so many syncs all of them fail.
    SyncsFailAfter(usize),
    /// Reads fail, and everything else.
    Unreadable,
}

#[derive(Debug, Clone)]
pub(crate) struct Disk(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    fault: Fault,
    /// What reads see.
    image: Vec<u8>,
    /// What a power cut leaves.
    durable: Vec<u8>,
    /// What a sync has to bring from one to the other.
    dirty: Vec<Range<usize>>,
}

impl Disk {
    pub(crate) fn holding(image: Vec<u8>) -> Self {
        let durable = image.clone();
        Self(Arc::new(Mutex::new(State { fault: Fault::None, image, durable, dirty: Vec::new() })))
    }

    pub(crate) fn set(&self, fault: Fault) {
        self.0.lock().unwrap().fault = fault;
    }

    pub(crate) fn heal(&self) {
        self.set(Fault::None);
    }

    /// What is left if the power goes now.
    pub(crate) fn after_a_power_cut(&self) -> Self {
        Self::holding(self.0.lock().unwrap().durable.clone())
    }

    /// Somebody put another file in this one's place.
    pub(crate) fn become_a_copy_of(&self, other: &Self) {
        let other = other.after_a_power_cut().0.lock().unwrap().image.clone();
        let mut state = self.0.lock().unwrap();
        (state.image, state.durable) = (other.clone(), other);
        state.dirty.clear();
    }

    /// What is on it.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.0.lock().unwrap().image.clone()
    }

    /// Cuts it off.
    pub(crate) fn cut(&self, len: usize) {
        self.0.lock().unwrap().image.truncate(len);
    }

    /// Overwrites each page in which such bytes begin, as a stray write does.
    pub(crate) fn spoil(&self, bytes: &[u8]) {
        let mut state = self.0.lock().unwrap();
        let image = &mut state.image;
        let places = image.windows(bytes.len()).enumerate();
        let found: Vec<_> = places.filter(|(_, part)| *part == bytes).map(|(at, _)| at).collect();
        assert!(!found.is_empty(), "they are not on the disk");
        for at in found {
            image[at - at % PAGE..][..PAGE].fill(0xa5);
        }
    }

    /// A database on this disk, without a cache, so that each read reaches it.
    pub(crate) fn database(&self) -> Result<Database, DatabaseError> {
        Database::builder().set_cache_size(0).create_with_backend(self.clone())
    }
}

fn used_up(left: &mut usize) -> Result<(), Error> {
    *left = left.checked_sub(1).ok_or_else(|| Error::other("the disk is dead"))?;
    Ok(())
}

impl StorageBackend for Disk {
    fn len(&self) -> Result<u64, Error> {
        Ok(u64::try_from(self.0.lock().unwrap().image.len()).unwrap())
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> Result<(), Error> {
        let state = self.0.lock().unwrap();
        if state.fault == Fault::Unreadable {
            return Err(Error::other("the disk cannot be read"));
        }
        let start = usize::try_from(offset).unwrap();
        let bytes = state.image.get(start..start + out.len());
        out.copy_from_slice(bytes.ok_or(ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    /// A sparse file: it takes no space, and is known to the disk at once.
    fn set_len(&self, len: u64) -> Result<(), Error> {
        let mut state = self.0.lock().unwrap();
        let len = usize::try_from(len).unwrap();
        match &mut state.fault {
            Fault::None | Fault::FullAfterBytes(_) | Fault::SyncsFailAfter(_) => {}
            Fault::DeadAfter(left) => used_up(left)?,
            Fault::Unreadable => return Err(Error::other("the disk cannot be read")),
        }
        state.image.resize(len, 0);
        state.durable.resize(len, 0);
        state.dirty.retain(|range| range.end <= len);
        Ok(())
    }

    fn sync_data(&self) -> Result<(), Error> {
        let mut state = self.0.lock().unwrap();
        let outcome = match &mut state.fault {
            Fault::None | Fault::FullAfterBytes(_) => Ok(()),
            Fault::DeadAfter(left) | Fault::SyncsFailAfter(left) => used_up(left),
            Fault::Unreadable => Err(Error::other("the disk cannot be read")),
        };
        let dirty = std::mem::take(&mut state.dirty);
        outcome?;
        let State { image, durable, .. } = &mut *state;
        for range in dirty {
            durable[range.clone()].copy_from_slice(&image[range]);
        }
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> Result<(), Error> {
        let mut state = self.0.lock().unwrap();
        let fits = match &mut state.fault {
            Fault::None | Fault::SyncsFailAfter(_) => data.len(),
            Fault::FullAfterBytes(left) => {
                let fits = data.len().min(*left);
                *left -= fits;
                fits
            }
            Fault::DeadAfter(left) => {
                used_up(left)?;
                data.len()
            }
            Fault::Unreadable => return Err(Error::other("the disk cannot be read")),
        };
        let start = usize::try_from(offset).unwrap();
        let range = start..start + fits;
        state.image[range.clone()].copy_from_slice(&data[..fits]);
        state.dirty.push(range);
        if fits < data.len() { Err(ErrorKind::StorageFull.into()) } else { Ok(()) }
    }
}
