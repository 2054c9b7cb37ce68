//! Which answers are as good as one another to somebody who wants to flood a third party.

use model::RecordType;

/// What an answer has in common with others. Names that a client makes up never make a new one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Likeness {
    /// Of one name of ours, be it a wildcard, a cut or a DNAME that speaks for many others, and of
    /// one type that it has; 0 for all that it does not have.
    From { name: u64, given: RecordType },
    /// No such name below one of ours, its closest encloser: whatever stands in front of that. Or none
    /// at the end of a chain that begins at one of ours.
    Missing { name: u64 },
    /// All that is refused, or cannot be read.
    Error,
}

impl Likeness {
    /// Different ones have different numbers, but for chance: names are hashed with a secret.
    #[inline]
    pub fn number(self) -> u64 {
        const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
        match self {
            Self::From { name, given } => name ^ (u64::from(given.0) + 1).wrapping_mul(ODD),
            // No type has this number.
            Self::Missing { name } => name ^ (u64::from(u16::MAX) + 2).wrapping_mul(ODD),
            Self::Error => 0,
        }
    }
}
