//! The table: a line for each day.
//!
//! Memory is what came on top of the process without any sets. Never here: a figure that was not
//! measured.

use benches::{ratio, shown};

const MIB: u64 = 1 << 20;

pub(crate) fn head() -> Vec<String> {
    let columns = "| voters | sets are for | ns per ballot | ns, last tenth | ns, duplicates \
                   | reserved B per voter | resident B per voter | reserved MiB | peak MiB |";
    vec![columns.to_owned(), "|---|---|---|---|---|---|---|---|---|".to_owned()]
}

/// A day's line: nanoseconds of the whole day, of its last tenth and of that once more, bytes
/// reserved, KiB resident and KiB at the peak.
pub(crate) fn line(
    voters: u64,
    limit: u64,
    [whole, last, again, reserved, resident, peak]: [u64; 6],
) -> String {
    let tenth = voters / 10;
    format!(
        "| {voters} | {limit} | {} | {} | {} | {} | {} | {} | {} |",
        shown(ratio(whole, voters), 1),
        shown(ratio(last, tenth), 1),
        shown(ratio(again, tenth), 1),
        shown(ratio(reserved, voters), 1),
        shown(ratio(resident * 1_024, voters), 1),
        shown(ratio(reserved, MIB), 0),
        shown(ratio(peak, 1_024), 0),
    )
}
