//! What a zone's state files hold: its serial, reserved ahead of use.
//!
//! 1. While fedns runs, a file holds a ceiling that is above every serial in use. It is written
//!    before the first of them is used, and moved up by a block long before it is reached, so
//!    publication never waits for the disk.
//! 2. A clean stop writes the exact serial and what the zone's contents were.
//! 3. A start after a clean stop goes on with that serial, and with the next one where the contents
//!    differ. A start after a crash goes on above the ceiling: a secondary never sees a serial twice
//!    with different contents.

use model::{Name, Serial, UnixTime};
use serde::{Deserialize, Serialize};

use super::lines::{self, Damage};

const FORMAT: u32 = 1;
/// How far ahead serials are reserved; half of it is left when the next block is asked for.
const BLOCK: u32 = 20_000;

/// A zone as it was saved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SavedZone {
    pub format: u32,
    pub zone: Name,
    /// The exact serial after a clean stop, else the ceiling.
    pub serial: Serial,
    /// A sum over the zone's contents, there after a clean stop only.
    pub contents: Option<u64>,
}

/// The serials of one running zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SerialReserve {
    current: Serial,
    ceiling: Serial,
}

// === impl SavedZone ===

impl SavedZone {
    fn new(zone: Name, serial: Serial, contents: Option<u64>) -> Self {
        Self { format: FORMAT, zone, serial, contents }
    }

    /// Serials up to this one may have been used.
    pub fn ceiling(zone: &Name, serial: Serial) -> Self {
        Self::new(zone.clone(), serial, None)
    }

    /// What the file must hold before any serial is used that [`SerialReserve::start`] may take after
    /// `saved`: a crash right after it must not find the file of the run before.
    pub fn in_use(zone: &Name, saved: Option<&Self>, now: UnixTime) -> Self {
        let first = saved.map_or_else(|| first_serial(now), |saved| saved.serial.next());
        Self::in_use_from(zone, first)
    }

    /// The same before this serial is used.
    pub fn in_use_from(zone: &Name, first: Serial) -> Self {
        Self::ceiling(zone, first.plus(BLOCK))
    }

    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        lines::encode(self, &mut bytes);
        bytes
    }

    pub fn decode(zone: &Name, bytes: &[u8]) -> Result<Self, Damage> {
        let saved = Self::decode_any(bytes)?;
        match saved.zone == *zone {
            true => Ok(saved),
            false => Err(Damage::WrongSubject { found: saved.zone.to_string() }),
        }
    }

    /// Whatever zone it is of.
    pub fn decode_any(bytes: &[u8]) -> Result<Self, Damage> {
        #[derive(Deserialize)]
        struct AnyFormat {
            format: u32,
        }
        let decoded = lines::decode::<serde_json::Value>(bytes)?;
        let value = match decoded.values.as_slice() {
            [value] if !decoded.cut => value.clone(),
            _ => return Err(Damage::BadLine { line: 1 }),
        };
        let bad = |_| Damage::BadLine { line: 1 };
        let AnyFormat { format } = serde_json::from_value(value.clone()).map_err(bad)?;
        if format != FORMAT {
            return Err(Damage::LaterFormat { found: format, known: FORMAT });
        }
        serde_json::from_value(value).map_err(bad)
    }
}

#[cfg(feature = "federation")]
impl SavedZone {
    /// Above all that can have been reserved since this was copied.
    pub fn beyond(self) -> Self {
        Self::ceiling(&self.zone, self.serial.plus(BLOCK))
    }

    /// Whether others went on while this stood still: a copy of what goes on here is never so far ahead.
    pub fn is_overtaken_by(&self, copy: &Self) -> bool {
        copy.serial.is_newer_than(self.serial.plus(BLOCK))
    }
}

// === impl SerialReserve ===

impl SerialReserve {
    /// The serial of the first publication, and the file that must be written before long.
    ///
    /// Without saved state the serial is the time in seconds, so that a lost state folder seldom
    /// makes a zone go backwards.
    pub fn start(
        zone: &Name,
        saved: Option<&SavedZone>,
        contents: u64,
        now: UnixTime,
    ) -> (Self, SavedZone) {
        let current = match saved {
            None => first_serial(now),
            Some(saved) => match saved.contents {
                Some(known) if known == contents => saved.serial,
                _ => saved.serial.next(),
            },
        };
        let ceiling = current.plus(BLOCK);
        (Self { current, ceiling }, SavedZone::ceiling(zone, ceiling))
    }

    pub fn current(&self) -> Serial {
        self.current
    }

    /// Moves to the next serial; says what to write when a new block is needed.
    pub fn advance(&mut self, zone: &Name) -> Option<SavedZone> {
        self.follow(zone, self.current.next())
    }

    /// Moves to a serial that others decide, which may be an older one; says what to write when a new
    /// block is needed. The ceiling never goes down.
    pub fn follow(&mut self, zone: &Name, serial: Serial) -> Option<SavedZone> {
        self.current = serial;
        if !self.ceiling.is_newer_than(self.current.plus(BLOCK / 2)) {
            self.ceiling = self.current.plus(BLOCK);
            return Some(SavedZone::ceiling(zone, self.ceiling));
        }
        None
    }

    /// What must be on disk while serials are used.
    pub fn reserved(&self, zone: &Name) -> SavedZone {
        SavedZone::ceiling(zone, self.ceiling)
    }

    /// What a clean stop leaves.
    pub fn stop(&self, zone: &Name, contents: u64) -> SavedZone {
        SavedZone::new(zone.clone(), self.current, Some(contents))
    }
}

/// Seconds since 1970 fit until 2106; serials turn around anyway.
pub(super) fn first_serial(now: UnixTime) -> Serial {
    Serial((now.0 as u32).max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixTime = UnixTime(1_800_000_000);

    fn zone() -> Name {
        Name::parse("example.com").unwrap()
    }

    #[test]
    fn a_first_start_takes_the_time() {
        let (reserve, file) = SerialReserve::start(&zone(), None, 7, NOW);
        assert_eq!(reserve.current(), Serial(1_800_000_000));
        assert_eq!(file.contents, None);
        assert!(file.serial.is_newer_than(reserve.current()));
    }

    #[test]
    fn a_clean_stop_keeps_the_exact_serial() {
        let (mut reserve, _) = SerialReserve::start(&zone(), None, 7, NOW);
        reserve.advance(&zone());
        let serial = reserve.current();
        let saved = reserve.stop(&zone(), 8);
        let (same, _) = SerialReserve::start(&zone(), Some(&saved), 8, NOW);
        assert_eq!(same.current(), serial);
        let (changed, _) = SerialReserve::start(&zone(), Some(&saved), 9, NOW);
        assert_eq!(changed.current(), serial.next());
    }

    #[test]
    fn a_crash_at_any_moment_starts_above_everything_served() {
        let (mut reserve, mut file) = SerialReserve::start(&zone(), None, 7, NOW);
        for _ in 0..3 * BLOCK {
            let write = reserve.advance(&zone());
            let serial = reserve.current();
            if let Some(next) = write {
                file = next;
            }
            let (after, _) = SerialReserve::start(&zone(), Some(&file), 7, NOW);
            assert!(after.current().is_newer_than(serial));
        }
    }

    #[test]
    fn a_crash_right_after_the_start_is_noted_too() {
        let (mut reserve, ceiling) = SerialReserve::start(&zone(), None, 7, NOW);
        let clean = reserve.stop(&zone(), 7);
        for saved in [None, Some(&clean), Some(&ceiling)] {
            let in_use = SavedZone::in_use(&zone(), saved, NOW);
            (reserve, _) = SerialReserve::start(&zone(), saved, 8, NOW);
            let (after, _) = SerialReserve::start(&zone(), Some(&in_use), 8, NOW);
            assert!(after.current().is_newer_than(reserve.current()), "{saved:?}");
        }
    }

    #[cfg(feature = "federation")]
    #[test]
    fn a_copy_counts_where_others_went_on() {
        let (mut reserve, ceiling) = SerialReserve::start(&zone(), None, 7, NOW);
        // Its own copy, after a clean stop and after a crash.
        assert!(!reserve.stop(&zone(), 7).is_overtaken_by(&ceiling));
        assert!(!ceiling.is_overtaken_by(&ceiling));
        let stopped = reserve.stop(&zone(), 7);
        let copies = (0..3 * BLOCK).filter_map(|_| reserve.advance(&zone()));
        assert!(stopped.is_overtaken_by(&copies.last().unwrap()));
        let (after, _) = SerialReserve::start(&zone(), Some(&ceiling.clone().beyond()), 7, NOW);
        assert!(after.current().is_newer_than(ceiling.serial.plus(BLOCK / 2)));
    }

    #[test]
    fn files_come_back_and_damage_is_found() {
        let (reserve, _) = SerialReserve::start(&zone(), None, 7, NOW);
        let saved = reserve.stop(&zone(), 8);
        let bytes = saved.encode();
        assert_eq!(SavedZone::decode(&zone(), &bytes), Ok(saved));
        for length in 0..bytes.len() {
            assert!(SavedZone::decode(&zone(), &bytes[..length]).is_err(), "cut at {length}");
        }
        let other = Name::parse("example.net").unwrap();
        let found = zone().to_string();
        assert_eq!(SavedZone::decode(&other, &bytes), Err(Damage::WrongSubject { found }));
        let mut later = Vec::new();
        lines::encode(&serde_json::json!({"format": 2}), &mut later);
        let expect = Err(Damage::LaterFormat { found: 2, known: 1 });
        assert_eq!(SavedZone::decode(&zone(), &later), expect);
    }
}
