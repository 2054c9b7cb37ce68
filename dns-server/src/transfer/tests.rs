//! A secondary in small: it follows the store by transfers alone.

mod peers;
mod secondary;

use model::{Name, Rdata, RecordSet, RecordType, Serial, UnixTime, ZoneDiff};

use super::*;
use crate::store::HistoryLimits;
use crate::testing::{self, name};
use crate::tsig::TsigAlgorithm;
use crate::{Reader, Writer};
use secondary::{Kinds, Secondary};

const NOW: UnixTime = UnixTime(1_800_000_000);

fn apex() -> Name {
    name("example.com")
}

const ZONE: &str = "@ SOA ns hostmaster 1 900 300 604800 60\n@ NS ns\nns A 192.0.2.53\n\
                    sub NS ns.sub\nns.sub A 192.0.2.54\nwww A 192.0.2.1\nwww A 192.0.2.2\n";

fn store(limits: HistoryLimits) -> (Writer, Reader) {
    store_at(limits, Serial(7))
}

fn store_at(limits: HistoryLimits, serial: Serial) -> (Writer, Reader) {
    let (mut writer, reader) = crate::Store::new();
    reader.histories().keep(&[apex()], limits);
    let _ = writer.publish(&testing::zone("example.com", ZONE), serial).unwrap();
    (writer, reader)
}

/// A number that follows from the last; the same in every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (self.0 >> 33) % end
    }
}

/// Gives one of some names other sets, or none.
fn change(writer: &mut Writer, numbers: &mut Numbers, serial: Serial) {
    let mut diff = ZoneDiff::default();
    for _ in 0..=numbers.below(4) {
        let owner = name(&format!("n{}.d{}.example.com", numbers.below(50), numbers.below(3)));
        let values = (0..numbers.below(4)).map(|_| {
            let low = numbers.0 as u8;
            numbers.below(2);
            Rdata::from_wire([192, 0, 2, low])
        });
        let values: Vec<Rdata> = values.collect();
        let ttl = 60 + numbers.below(2) as u32;
        let sets = RecordSet::new(RecordType::A, ttl, values).into_iter().collect();
        diff.record(owner, Vec::new(), sets);
    }
    if numbers.below(20) == 0 {
        let mut contents = testing::zone("example.com", ZONE);
        let ttl = 300 + numbers.below(5) as u32;
        contents.insert(apex(), RecordSet::single(RecordType(300), ttl, Rdata::from_wire([1])));
        diff.record(apex(), Vec::new(), contents.sets(&apex()).to_vec());
    }
    let _ = writer.commit(&apex(), &diff, serial).unwrap();
}

#[test]
fn rfc1995_a_secondary_is_equal_after_any_row_of_changes() {
    // Serials begin anew on the way.
    let mut serial = Serial(u32::MAX - 700);
    let (mut writer, reader) = store_at(HistoryLimits::default(), serial);
    let mut secondary = Secondary::new(&reader);
    let mut numbers = Numbers(1);
    let mut kinds = Kinds::default();
    for round in 0..1500 {
        for _ in 0..numbers.below(4) {
            serial = serial.next();
            change(&mut writer, &mut numbers, serial);
        }
        kinds += secondary.refresh(&reader);
        secondary.assert_equal(&reader, round);
    }
    assert!(kinds.whole == 0 && kinds.changes > 1000, "{kinds:?}");
}

#[test]
fn a_history_is_bounded_and_beyond_it_the_zone_is_sent_whole() {
    let (mut writer, reader) = store(HistoryLimits { records: 40, bytes: 1 << 20 });
    let mut secondary = Secondary::new(&reader);
    let mut numbers = Numbers(2);
    let mut serial = Serial(7);
    let mut kinds = Kinds::default();
    for round in 0..300 {
        for _ in 0..numbers.below(12) {
            serial = serial.next();
            change(&mut writer, &mut numbers, serial);
        }
        kinds += secondary.refresh(&reader);
        secondary.assert_equal(&reader, round);
    }
    assert!(kinds.whole > 20 && kinds.changes > 20 && kinds.soa_only > 5, "{kinds:?}");
}

/// A standby has the Lease's serial whatever changes, and goes on above it when it writes.
#[test]
fn contents_that_change_under_one_serial_end_the_history() {
    let (mut writer, reader) = store(HistoryLimits::default());
    let mut numbers = Numbers(3);
    for (serials, is_known) in
        [(&[7, 8, 9][..], true), (&[7, 7, 8], false), (&[7, 8, 7], false), (&[8, 8, 9, 10], false)]
    {
        let _ = writer.publish(&testing::zone("example.com", ZONE), Serial(6)).unwrap();
        let _ = writer.remove_zone(&apex());
        let _ = writer.publish(&testing::zone("example.com", ZONE), Serial(7)).unwrap();
        for serial in &serials[usize::from(serials[0] == 7)..] {
            change(&mut writer, &mut numbers, Serial(*serial));
        }
        let last = Serial(*serials.last().unwrap());
        assert_eq!(
            reader.histories().way(&apex(), Serial(7), last).is_some(),
            is_known,
            "{serials:?}"
        );
    }
    // From where it is unambiguous again, the way is known.
    assert!(reader.histories().way(&apex(), Serial(9), Serial(10)).is_some());
}

#[test]
fn where_changes_are_longer_than_the_zone_it_is_sent_whole() {
    let (mut writer, reader) = store(HistoryLimits::default());
    let mut secondary = Secondary::new(&reader);
    let text = |at: u32| Rdata::from_wire([&[250][..], &[at as u8; 250]].concat());
    let owners: Vec<Name> = (0..400).map(|at| name(&format!("t{at}.example.com"))).collect();
    for (serial, length) in [(8, 400), (9, 1)] {
        let sets: Vec<_> =
            (0..400).map(|at| RecordSet::single(RecordType::TXT, 60, text(at))).collect();
        let set = |at: usize| if at < length { &sets[at..=at] } else { &[] };
        let changes: Vec<_> =
            owners.iter().enumerate().map(|(at, owner)| (owner, set(at))).collect();
        let _ = writer.replace_sets(&apex(), &changes, Serial(serial)).unwrap();
        if serial == 8 {
            secondary.refresh(&reader);
        }
    }
    assert_eq!(secondary.refresh(&reader), Kinds { whole: 1, ..Kinds::default() });
    secondary.assert_equal(&reader, 0);
}

#[test]
fn nothing_is_kept_of_zones_that_nobody_may_have() {
    let (mut writer, reader) = store(HistoryLimits::default());
    let mut numbers = Numbers(4);
    change(&mut writer, &mut numbers, Serial(8));
    assert!(reader.histories().way(&apex(), Serial(7), Serial(8)).is_some());
    reader.histories().keep(&[], HistoryLimits::default());
    change(&mut writer, &mut numbers, Serial(9));
    assert!(reader.histories().way(&apex(), Serial(7), Serial(8)).is_none());
    assert!(reader.histories().published(&apex()).is_none());
}

#[test]
fn rfc5936_2_2_a_large_zone_takes_many_messages_and_each_is_signed() {
    let (mut writer, reader) = store(HistoryLimits::default());
    let owners: Vec<Name> = (0..5000).map(|at| name(&format!("n{at}.example.com"))).collect();
    let set = [RecordSet::single(RecordType::A, 60, Rdata::from_wire([192, 0, 2, 1]))];
    let changes: Vec<_> = owners.iter().map(|owner| (owner, &set[..])).collect();
    let _ = writer.replace_sets(&apex(), &changes, Serial(8)).unwrap();
    let key = TsigKey::new(name("key"), TsigAlgorithm::HmacSha256, b"secret");
    let mut secondary = Secondary::new(&reader);
    let messages = secondary.fetch(&reader, Kind::Whole, Some(&key));
    assert!((6..30).contains(&messages.len()), "{}", messages.len());
    assert!(messages.iter().all(|message| message.len() < messages::MESSAGE_LENGTH + 100));
    secondary.refresh(&reader);
    secondary.assert_equal(&reader, 0);
}

#[test]
fn the_largest_sets_are_sent_too() {
    let (mut writer, reader) = store(HistoryLimits::default());
    let wide = RecordSet::single(RecordType(300), 60, Rdata::from_wire(vec![7; 65_000]));
    let many = (0..4000_u32).map(|at| Rdata::from_wire(at.to_be_bytes()));
    let many = RecordSet::new(RecordType(301), 60, many).unwrap();
    let owner = name("large.example.com");
    let _ = writer.replace_sets(&apex(), &[(&owner, &[wide, many])], Serial(8)).unwrap();
    let mut secondary = Secondary::new(&reader);
    secondary.refresh(&reader);
    secondary.assert_equal(&reader, 0);
}
