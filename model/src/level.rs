//! The rungs of the ladder that a federated name stands on.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// How wide a name reaches. Ordered from wide to narrow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// `<service>.<namespace>.<federation>.svc.DOMAIN`: every healthy address.
    Global,
    /// `….svc.<region>.DOMAIN`: the addresses of one region.
    Region,
    /// `….svc.<zone>.<region>.DOMAIN`: those of one availability zone of a region.
    Zone,
}

/// Which levels are made. Never empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Levels {
    /// Indexed by [`Level`].
    made: [bool; 3],
}

/// For which clusters region and zone names are made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EmptyLevels {
    /// For every cluster of the federation: a client anywhere finds its own level's name.
    #[default]
    All,
    /// Only for clusters that have the Service.
    Present,
}

// === impl Level ===

impl Level {
    pub const ALL: [Self; 3] = [Self::Global, Self::Region, Self::Zone];
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Global => "global",
            Self::Region => "region",
            Self::Zone => "zone",
        })
    }
}

impl FromStr for Level {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|level| level.to_string() == text).ok_or(())
    }
}

// === impl Levels ===

impl Levels {
    pub const ALL: Self = Self { made: [true; 3] };

    /// `None` without any level.
    pub fn new(levels: impl IntoIterator<Item = Level>) -> Option<Self> {
        let mut made = [false; 3];
        for level in levels {
            made[level as usize] = true;
        }
        made.contains(&true).then_some(Self { made })
    }

    pub fn contains(self, level: Level) -> bool {
        self.made[level as usize]
    }

    /// The next wider level that is made: where a CNAME from `level` points.
    pub fn above(self, level: Level) -> Option<Level> {
        Level::ALL.into_iter().rev().find(|wider| *wider < level && self.contains(*wider))
    }

    /// From wide to narrow.
    pub fn iter(self) -> impl Iterator<Item = Level> {
        Level::ALL.into_iter().filter(move |level| self.contains(*level))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_level_is_stepped_over() {
        let levels = Levels::new([Level::Zone, Level::Global]).unwrap();
        assert_eq!(levels.above(Level::Zone), Some(Level::Global));
        assert_eq!(levels.above(Level::Global), None);
        assert_eq!(Levels::new([]), None);
        assert_eq!(Levels::ALL.iter().collect::<Vec<_>>(), Level::ALL);
    }
}
