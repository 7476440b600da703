//! How many file descriptors this process may have, and how many of them are for voters.
//!
//! Invariant: the public listener never takes the descriptors that the operators' listener and the
//! journals need: a process that is full must still say that it lives. Never here: a refusal to
//! start; a process with few descriptors serves few connections.

use rlimit::Resource;

/// Connections of the operators' listener: a few scrapers, probes and people, each with a
/// connection or two, and as many again that do not close theirs.
pub(super) const OPS_CONNECTIONS_MAX: usize = 256;
/// Descriptors that are not for voters: the operators', and as many for journals, the runtime,
/// standard streams and listeners (about 30 with one campaign).
const RESERVED: u64 = 512;
/// Fewer than a proxy in front keeps open (nginx's own example is 32) are of no use. Where
/// descriptors do not suffice for these, accepting fails now and then instead.
const CONNECTIONS_MIN: usize = 64;

/// Raises the limit as far as this process may by itself, and answers what it is then.
pub(crate) fn raise() -> u64 {
    // The usual soft limit, 1,024, is for programs that use `select`; systemd's advice is to raise
    // it to the hard one. If it cannot be, or not be had at all, nothing is assumed but the usual.
    let raised = rlimit::increase_nofile_limit(u64::MAX);
    raised.or_else(|_| Resource::NOFILE.get_soft()).unwrap_or(1_024)
}

/// How many connections voters may have under this limit, where so many are wanted.
pub(crate) fn connections_max(descriptors: u64, wanted: usize) -> usize {
    let left = usize::try_from(descriptors.saturating_sub(RESERVED)).unwrap_or(usize::MAX);
    left.max(CONNECTIONS_MIN).min(wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn voters_get_what_is_left_up_to_what_is_wanted_and_never_next_to_nothing() {
        for (descriptors, expected) in
            [(u64::MAX, 16_384), (16_896, 16_384), (16_895, 16_383), (1_024, 512), (0, 64)]
        {
            assert_eq!(connections_max(descriptors, 16_384), expected, "{descriptors}");
        }
    }

    #[test]
    fn the_soft_limit_is_raised_to_the_hard_one() {
        let hard = Resource::NOFILE.get_hard().unwrap();
        Resource::NOFILE.set(hard - 1, hard).unwrap();
        assert_eq!(raise(), hard);
        assert_eq!(Resource::NOFILE.get_soft().unwrap(), hard);
    }
}
