//! SOA serial numbers.

use std::cmp::Ordering;
use std::fmt;

use serde::{Deserialize, Serialize};

/// A zone's serial number in the circular arithmetic of RFC 1982.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Serial(pub u32);

impl Serial {
    /// The serial after this one; 0 is skipped, since old secondaries take it for "none".
    pub fn next(self) -> Self {
        self.plus(1)
    }

    /// This serial moved on by `steps`, which must be below 2^31 (RFC 1982 section 3.1).
    pub fn plus(self, steps: u32) -> Self {
        debug_assert!(steps < 1 << 31);
        match self.0.wrapping_add(steps) {
            0 => Self(1),
            serial => Self(serial),
        }
    }

    /// True where a secondary that holds `other` would fetch this one.
    pub fn is_newer_than(self, other: Self) -> bool {
        self.compare(other) == Some(Ordering::Greater)
    }

    /// RFC 1982 section 3.2; `None` for two serials exactly 2^31 apart, which have no order.
    pub fn compare(self, other: Self) -> Option<Ordering> {
        match self.0.wrapping_sub(other.0) {
            0 => Some(Ordering::Equal),
            0x8000_0000 => None,
            1..0x8000_0000 => Some(Ordering::Greater),
            _ => Some(Ordering::Less),
        }
    }
}

impl fmt::Display for Serial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serials_grow_around_the_end() {
        assert_eq!(Serial(u32::MAX).next(), Serial(1));
        assert!(Serial(1).is_newer_than(Serial(u32::MAX)));
        assert!(!Serial(u32::MAX).is_newer_than(Serial(1)));
        assert_eq!(Serial(0).compare(Serial(1 << 31)), None);
        assert_eq!(Serial(5).compare(Serial(5)), Some(Ordering::Equal));
    }
}
