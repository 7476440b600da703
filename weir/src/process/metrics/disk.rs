//! How much room the file system of the data directory has.
//!
//! What cannot be asked has no series.

use std::path::{Path, PathBuf};

use ingest::metrics::{Pulled, Reading, whole};
use prometheus::{IntGaugeVec, Opts, Registry, Result};

use super::{DISK_FREE, DISK_SIZE};

pub(super) fn watch(registry: &Registry, data: &Path) -> Result<()> {
    let gauge = |name, help| IntGaugeVec::new(Opts::new(name, help), &[]);
    let free = gauge(DISK_FREE, "Free on the file system of the data directory.")?;
    let size = gauge(DISK_SIZE, "The size of that file system.")?;
    let (data, shown): (PathBuf, _) = (data.to_owned(), [free.clone(), size.clone()]);
    let reading: Reading = Box::new(move || {
        let Ok(room) = rustix::fs::statvfs(&data) else {
            shown.iter().for_each(IntGaugeVec::reset);
            return;
        };
        // Of the blocks, those that a process without privileges may have.
        for (shown, blocks) in shown.iter().zip([room.f_bavail, room.f_blocks]) {
            let bytes = usize::try_from(blocks.saturating_mul(room.f_frsize));
            shown.with_label_values::<&str>(&[]).set(whole(bytes.unwrap_or(usize::MAX)));
        }
    });
    let families = vec![Box::new(free) as _, Box::new(size) as _];
    registry.register(Box::new(Pulled::new(families, vec![reading])))
}
