//! What a zone's changes were, saved by a clean stop: secondaries go on to get differences after it.
//!
//! It is good for the serial and contents that it was saved with alone. After a crash the serial goes on
//! above all that was served, and no difference leads there.

use std::io;
use std::path::PathBuf;

use base64::prelude::{BASE64_STANDARD, Engine};
use dns_server::SavedHistory;
use model::{Name, Serial, UnixTime};
use serde::{Deserialize, Serialize};

use super::folder::{self, HISTORIES, Loaded, StateFolder, file_name, write_whole};
use super::lines::{self, Damage};

const FORMAT: u32 = 1;

/// A history, and the contents that the zone had at its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ZoneHistory {
    pub contents: u64,
    pub history: SavedHistory,
}

/// The first line.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Head {
    format: u32,
    zone: Name,
    serial: Serial,
    contents: u64,
    differences: usize,
}

#[derive(Deserialize)]
struct AnyFormat {
    format: u32,
}

// === impl ZoneHistory ===

impl ZoneHistory {
    /// Whether it leads to these contents under this serial.
    pub fn is_of(&self, serial: Serial, contents: u64) -> bool {
        self.history.tip == serial && self.contents == contents
    }

    fn encode(&self, zone: &Name) -> Vec<u8> {
        let Self { contents, history: SavedHistory { tip, differences } } = self;
        let head = Head {
            format: FORMAT,
            zone: zone.clone(),
            serial: *tip,
            contents: *contents,
            differences: differences.len(),
        };
        let mut bytes = Vec::new();
        lines::encode(&head, &mut bytes);
        for difference in differences {
            lines::encode(&BASE64_STANDARD.encode(difference), &mut bytes);
        }
        bytes
    }

    fn decode(zone: &Name, bytes: &[u8]) -> Result<Self, Damage> {
        let values = lines::decode::<serde_json::Value>(bytes)?.values;
        let bad = |line: usize| Damage::BadLine { line };
        let mut values = values.into_iter();
        let head = values.next().ok_or(bad(1))?;
        let AnyFormat { format } = serde_json::from_value(head.clone()).map_err(|_| bad(1))?;
        if format != FORMAT {
            return Err(Damage::LaterFormat { found: format, known: FORMAT });
        }
        let head: Head = serde_json::from_value(head).map_err(|_| bad(1))?;
        if head.zone != *zone {
            return Err(Damage::WrongSubject { found: head.zone.to_string() });
        }
        let differences = values.enumerate().map(|(at, value)| {
            let difference = value.as_str().and_then(|text| BASE64_STANDARD.decode(text).ok());
            difference.ok_or(bad(at + 2))
        });
        let differences = differences.collect::<Result<Vec<_>, _>>()?;
        if differences.len() != head.differences {
            return Err(Damage::Short { expected: head.differences, found: differences.len() });
        }
        let history = SavedHistory { tip: head.serial, differences };
        Ok(Self { contents: head.contents, history })
    }
}

// === impl StateFolder ===

impl StateFolder {
    /// A zone's history as it was saved last; a damaged file is set aside with a warning and counts as
    /// none: secondaries then get the zone whole.
    pub fn load_history(&self, zone: &Name, now: UnixTime) -> Option<ZoneHistory> {
        let decode = |bytes: &[u8]| ZoneHistory::decode(zone, bytes);
        match folder::load(&self.history_path(zone), now, decode) {
            Loaded::Whole(history) => Some(history),
            Loaded::Absent | Loaded::Damaged(_) => None,
        }
    }

    /// In place of what was saved before.
    pub fn write_history(&self, zone: &Name, history: Option<&ZoneHistory>) -> io::Result<()> {
        let path = self.history_path(zone);
        match history {
            Some(history) => write_whole(&path, &history.encode(zone)),
            None => match std::fs::remove_file(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
                _ => Ok(()),
            },
        }
    }

    fn history_path(&self, zone: &Name) -> PathBuf {
        let file = file_name(zone.to_string().trim_end_matches('.'));
        self.path().join(HISTORIES).join(file)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixTime = UnixTime(1_800_000_000);

    fn zone() -> Name {
        Name::parse("example.com").unwrap()
    }

    fn history() -> ZoneHistory {
        let differences = vec![vec![1, 2, 3], Vec::new(), vec![0xff; 300]];
        ZoneHistory { contents: 7, history: SavedHistory { tip: Serial(9), differences } }
    }

    #[test]
    fn what_was_saved_comes_back_until_it_is_removed() {
        let temp = tempfile::tempdir().unwrap();
        let folder = StateFolder::open(temp.path()).unwrap();
        assert_eq!(folder.load_history(&zone(), NOW), None);
        folder.write_history(&zone(), Some(&history())).unwrap();
        assert_eq!(folder.load_history(&zone(), NOW), Some(history()));
        for _ in 0..2 {
            folder.write_history(&zone(), None).unwrap();
            assert_eq!(folder.load_history(&zone(), NOW), None);
        }
    }

    #[test]
    fn damage_is_found_and_the_file_is_kept() {
        let bytes = history().encode(&zone());
        assert_eq!(ZoneHistory::decode(&zone(), &bytes), Ok(history()));
        for length in 0..bytes.len() {
            assert!(ZoneHistory::decode(&zone(), &bytes[..length]).is_err(), "cut at {length}");
        }
        let other = Name::parse("example.net").unwrap();
        let found = zone().to_string();
        assert_eq!(ZoneHistory::decode(&other, &bytes), Err(Damage::WrongSubject { found }));
        let mut later = Vec::new();
        lines::encode(&serde_json::json!({"format": 2}), &mut later);
        let expect = Err(Damage::LaterFormat { found: 2, known: 1 });
        assert_eq!(ZoneHistory::decode(&zone(), &later), expect);

        let temp = tempfile::tempdir().unwrap();
        let folder = StateFolder::open(temp.path()).unwrap();
        folder.write_history(&zone(), Some(&history())).unwrap();
        let path = folder.history_path(&zone());
        std::fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
        assert_eq!(folder.load_history(&zone(), NOW), None);
        assert!(!path.exists() && path.with_extension("damaged-1800000000").exists());
    }
}
