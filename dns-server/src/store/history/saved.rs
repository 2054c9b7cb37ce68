//! Histories as bytes, for the next run of the same zones or for a process that goes on with them.
//!
//! ```text
//! difference: from 4 | to 4 | SOA before | SOA after | number of names 4 | names
//! name:       wire form | records removed | records added          (numbers in network order)
//! each part:  length 4 | bytes
//! ```

use std::sync::Arc;

use model::{Name, Serial};

use super::{Delta, Histories, NameDelta};
use crate::store::sets::{RECORD_HEADER_LENGTH, is_soa, soa_serial_and_minimum};

/// The row of differences that leads to `tip`, the oldest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SavedHistory {
    pub tip: Serial,
    pub differences: Vec<Vec<u8>>,
}

/// A saved history is not one that was saved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadHistory;

/// A history that was saved, and is whole.
#[derive(Debug)]
pub(super) struct Restored {
    pub tip: Serial,
    pub deltas: Vec<Arc<Delta>>,
}

// === impl Histories ===

impl Histories {
    /// What there is of a zone's history; `None` where none is kept, or there is none.
    pub fn save(&self, zone: &Name) -> Option<SavedHistory> {
        let (tip, deltas) = {
            let zones = self.zones();
            let history = zones.get(zone)?;
            (history.tip?, history.deltas.clone())
        };
        let differences: Vec<Vec<u8>> = deltas.iter().map(|delta| delta.encode()).collect();
        (!differences.is_empty()).then_some(SavedHistory { tip, differences })
    }

    /// Goes on with what was saved, if the zone's first publication is that of its last serial. Its
    /// contents must be those that it had then. Nothing happens for a zone whose history is not kept.
    ///
    /// # Errors
    ///
    /// What was saved is no row of differences.
    pub fn restore(&self, zone: &Name, saved: &SavedHistory) -> Result<(), BadHistory> {
        let restored = Restored::decode(saved).ok_or(BadHistory)?;
        if let Some(history) = self.zones().get_mut(zone) {
            history.restored = Some(restored);
        }
        Ok(())
    }
}

// === impl Restored ===

impl Restored {
    /// `None` for what is not an unbroken row.
    fn decode(saved: &SavedHistory) -> Option<Self> {
        let deltas = saved.differences.iter().map(|bytes| Delta::decode(bytes).map(Arc::new));
        let deltas = deltas.collect::<Option<Vec<_>>>()?;
        let is_unbroken = deltas.windows(2).all(|pair| pair[0].to == pair[1].from);
        let leads_there = deltas.last().is_none_or(|last| last.to == saved.tip);
        (is_unbroken && leads_there).then_some(Self { tip: saved.tip, deltas })
    }
}

// === impl Delta ===

impl Delta {
    fn encode(&self) -> Vec<u8> {
        let Self { from, to, soa_before, soa_after, names } = self;
        let mut bytes = Vec::with_capacity(self.length() + 12 * (names.len() + 2));
        push_number(&mut bytes, from.0);
        push_number(&mut bytes, to.0);
        push_part(&mut bytes, soa_before);
        push_part(&mut bytes, soa_after);
        push_number(&mut bytes, names.len() as u32);
        for NameDelta { name, removed, added } in names {
            [name, removed, added].into_iter().for_each(|part| push_part(&mut bytes, part));
        }
        bytes
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let mut rest = bytes;
        let (from, to) = (Serial(number(&mut rest)?), Serial(number(&mut rest)?));
        let soa_before = part(&mut rest).filter(|soa| is_soa_of(soa, from))?;
        let soa_after = part(&mut rest).filter(|soa| is_soa_of(soa, to))?;
        let count = number(&mut rest)?;
        let mut names = Vec::new();
        for _ in 0..count {
            let name = part(&mut rest).filter(|name| Name::from_wire(name).is_ok())?;
            let removed = part(&mut rest).filter(|records| are_records(records))?;
            let added = part(&mut rest).filter(|records| are_records(records))?;
            names.push(NameDelta { name, removed, added });
        }
        let is_sound = rest.is_empty() && to.is_newer_than(from);
        is_sound.then_some(Self { from, to, soa_before, soa_after, names })
    }
}

fn push_number(bytes: &mut Vec<u8>, number: u32) {
    bytes.extend_from_slice(&number.to_be_bytes());
}

fn push_part(bytes: &mut Vec<u8>, part: &[u8]) {
    push_number(bytes, part.len() as u32);
    bytes.extend_from_slice(part);
}

fn number(rest: &mut &[u8]) -> Option<u32> {
    let (number, others) = rest.split_first_chunk()?;
    *rest = others;
    Some(u32::from_be_bytes(*number))
}

fn part(rest: &mut &[u8]) -> Option<Box<[u8]>> {
    let length = number(rest)? as usize;
    let (part, others) = rest.split_at_checked(length)?;
    *rest = others;
    Some(part.into())
}

/// Each of them whole, one after the other.
fn are_records(mut records: &[u8]) -> bool {
    while let Some((header, rest)) = records.split_first_chunk::<RECORD_HEADER_LENGTH>() {
        let length = usize::from(u16::from_be_bytes([header[10], header[11]]));
        match rest.split_at_checked(length) {
            Some((_, others)) => records = others,
            None => return false,
        }
    }
    records.is_empty()
}

fn is_soa_of(record: &[u8], serial: Serial) -> bool {
    let rdata = record.get(RECORD_HEADER_LENGTH..).filter(|rdata| is_soa(rdata));
    let found = rdata.and_then(soa_serial_and_minimum).map(|(serial, _)| serial);
    are_records(record) && found == Some(serial)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::HistoryLimits;
    use crate::testing::{self, name};
    use crate::{Reader, Store, Writer};

    fn zone_at(address: u32) -> model::ZoneContents {
        let text = format!(
            "@ 60 SOA ns hostmaster 1 900 300 604800 60\nwww A 192.0.2.{address}\n\
             t{address} TXT \"t\"\n"
        );
        testing::zone("example.com", &text)
    }

    fn kept(limits: HistoryLimits) -> (Writer, Reader) {
        let (writer, reader) = Store::new();
        reader.histories().keep(&[name("example.com")], limits);
        (writer, reader)
    }

    /// A store that has been through the serials 7 to 12.
    fn served() -> (Writer, Reader) {
        let (mut writer, reader) = kept(HistoryLimits::default());
        for serial in 7..=12 {
            writer.publish(&zone_at(serial), Serial(serial)).unwrap();
        }
        (writer, reader)
    }

    fn way(reader: &Reader, from: u32, to: u32) -> Option<Vec<Arc<Delta>>> {
        reader.histories().way(&name("example.com"), Serial(from), Serial(to))
    }

    fn saved() -> (Reader, SavedHistory) {
        let (_writer, reader) = served();
        let saved = reader.histories().save(&name("example.com")).unwrap();
        (reader, saved)
    }

    #[test]
    fn the_next_run_goes_on_where_the_last_one_was() {
        let (before, saved) = saved();
        assert_eq!(saved.tip, Serial(12));
        let (mut writer, reader) = kept(HistoryLimits::default());
        reader.histories().restore(&name("example.com"), &saved).unwrap();
        assert_eq!(way(&reader, 7, 12), None, "the zone is not published yet");
        writer.publish(&zone_at(12), Serial(12)).unwrap();
        assert_eq!(way(&reader, 7, 12), way(&before, 7, 12));
        writer.publish(&zone_at(13), Serial(13)).unwrap();
        assert_eq!(way(&reader, 7, 13).unwrap().len(), 6);
        assert_eq!(reader.histories().save(&name("example.com")).unwrap().differences.len(), 6);
    }

    #[test]
    fn another_serial_begins_anew() {
        let (_, saved) = saved();
        let (mut writer, reader) = kept(HistoryLimits::default());
        reader.histories().restore(&name("example.com"), &saved).unwrap();
        writer.publish(&zone_at(12), Serial(13)).unwrap();
        assert_eq!(way(&reader, 7, 12), None);
        assert_eq!(reader.histories().save(&name("example.com")), None);
        // What was saved is used once.
        writer.remove_zone(&name("example.com")).unwrap();
        writer.publish(&zone_at(12), Serial(12)).unwrap();
        assert_eq!(way(&reader, 7, 12), None);
    }

    #[test]
    fn smaller_limits_hold_for_what_was_saved() {
        let (_, saved) = saved();
        let (mut writer, reader) = kept(HistoryLimits { records: 13, bytes: 16 << 20 });
        reader.histories().restore(&name("example.com"), &saved).unwrap();
        writer.publish(&zone_at(12), Serial(12)).unwrap();
        // Each difference has six records.
        assert_eq!(way(&reader, 9, 12), None);
        assert_eq!(way(&reader, 10, 12).unwrap().len(), 2);
    }

    #[test]
    fn what_nobody_saved_is_refused() {
        let (_, saved) = saved();
        let (_writer, reader) = kept(HistoryLimits::default());
        let refused = |what: SavedHistory| {
            let outcome = reader.histories().restore(&name("example.com"), &what);
            assert_eq!(outcome, Err(BadHistory));
        };
        refused(SavedHistory { tip: Serial(11), ..saved.clone() });
        let mut broken = saved.clone();
        broken.differences.remove(2);
        refused(broken);
        let whole = &saved.differences[4];
        for length in 0..whole.len() {
            let mut cut = saved.clone();
            cut.differences[4].truncate(length);
            refused(cut);
        }
        // Whatever is in it, nothing goes wrong.
        for at in 0..whole.len() {
            let mut other = saved.clone();
            other.differences[4][at] ^= 0x55;
            let _ = reader.histories().restore(&name("example.com"), &other);
        }
    }
}
