//! What an edge noticed about how a ballot came: signs for an auditor, never a reason to count or
//! not to count.
//!
//! Invariant: no personal data: a sign says that something was unusual, not whose it was or where.
//! Never here: more than seven signs, which fit one byte of protobuf's varints.

use std::fmt;
use std::ops::BitOr;

/// A set of signs.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Risk(u8);

impl Risk {
    /// Nothing unusual.
    pub const NONE: Self = Self(0);
    /// The voter had sent many requests within seconds.
    pub const BURST: Self = Self(1);
    /// Very many ballots came from the same network (IPv4 /24, IPv6 /56).
    pub const PREFIX: Self = Self(1 << 1);
    /// Ballots came from that network at equal intervals, as from a machine.
    pub const CADENCE: Self = Self(1 << 2);
    /// The voter's identity was new when they signed in.
    pub const FRESH: Self = Self(1 << 3);

    /// All signs with their names in documents.
    pub const ALL: [(Self, &'static str); 4] = [
        (Self::BURST, "burst"),
        (Self::PREFIX, "prefix"),
        (Self::CADENCE, "cadence"),
        (Self::FRESH, "fresh"),
    ];

    /// The signs of these bits; `None` if they are more than seven.
    #[must_use]
    pub const fn from_bits(bits: u8) -> Option<Self> {
        if bits < 0x80 { Some(Self(bits)) } else { None }
    }

    /// The bits, the eighth never set.
    #[must_use]
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// Whether it has any of these.
    #[must_use]
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// These signs, if so.
    #[must_use]
    pub const fn when(self, so: bool) -> Self {
        if so { self } else { Self::NONE }
    }
}

impl BitOr for Risk {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl fmt::Debug for Risk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = Self::ALL.iter().filter(|(risk, _)| self.has(*risk)).map(|(_, name)| name);
        f.debug_set().entries(names).finish()
    }
}
