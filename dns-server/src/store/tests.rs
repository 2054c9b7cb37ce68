//! What goes in comes out, whatever the way; and what is gone is freed.

mod histories;

use model::{Name, Rdata, RecordSet, RecordType, Serial, ZoneContents, ZoneDiff};

use crate::store::{LeftOutReason, PublishError, Store};
use crate::testing::{self, name, zone};

const APEX: &str = "@ 3600 SOA ns hostmaster 1 900 300 604800 60\n@ NS ns\nns A 192.0.2.53\n";

fn example(text: &str) -> ZoneContents {
    zone("example.com", &format!("{APEX}{}", testing::lines(text)))
}

/// The zone with this serial in its SOA.
fn stamped(contents: &ZoneContents, serial: u32) -> ZoneContents {
    let apex = &contents.apex;
    let soa = contents.get(apex, RecordType::SOA).unwrap();
    let mut rdata = soa.values()[0].wire().to_vec();
    let at = rdata.len() - 20;
    rdata[at..at + 4].copy_from_slice(&serial.to_be_bytes());
    let mut stamped = contents.clone();
    let set = RecordSet::single(RecordType::SOA, soa.ttl, Rdata::from_wire(rdata));
    stamped.insert(apex.clone(), set);
    stamped
}

fn change(before: &ZoneContents, after: &ZoneContents) -> ZoneDiff {
    before.diff(after)
}

#[test]
fn a_zone_comes_back_as_it_was_published_with_our_serial() {
    let contents =
        example("www A 192.0.2.1\nwww TXT \"x\"\na.b.c AAAA 2001:db8::1\n*.w A 192.0.2.2");
    let (_writer, reader) = testing::store(std::slice::from_ref(&contents));
    let snapshot = reader.snapshot();
    let view = snapshot.zone(&contents.apex).unwrap();
    assert_eq!(view.serial(), Some(testing::SERIAL));
    assert_eq!(view.apex(), contents.apex);
    assert_eq!(view.contents(), stamped(&contents, 7));
    assert_eq!(snapshot.lookup(&name("www.example.com")).len(), 2);
    assert_eq!(snapshot.lookup(&name("c.example.com")), []);
    assert!(snapshot.zone(&name("www.example.com")).is_none());
}

#[test]
fn a_commit_moves_the_zone_and_its_serial_at_once() {
    let before = example("www A 192.0.2.1\nold A 192.0.2.2\nx.y.z A 192.0.2.3");
    let after = example("www A 192.0.2.9\nnew A 192.0.2.4\ny.z TXT \"t\"");
    let (mut writer, reader) = testing::store(std::slice::from_ref(&before));
    let old = reader.snapshot();
    let _ = writer.commit(&before.apex, &change(&before, &after), Serial(8)).unwrap();
    let new = reader.snapshot();
    assert_eq!(new.zone(&before.apex).unwrap().contents(), stamped(&after, 8));
    assert_eq!(old.zone(&before.apex).unwrap().contents(), stamped(&before, 7));
}

#[test]
fn an_empty_change_moves_the_serial() {
    let contents = example("");
    let (mut writer, reader) = testing::store(std::slice::from_ref(&contents));
    let _ = writer.commit(&contents.apex, &ZoneDiff::default(), Serial(9)).unwrap();
    assert_eq!(reader.snapshot().zone(&contents.apex).unwrap().serial(), Some(Serial(9)));
}

#[test]
fn publishing_again_replaces_all_of_it() {
    let before = example("www A 192.0.2.1\nold.deep A 192.0.2.2");
    let after = example("www A 192.0.2.1\nnew A 192.0.2.3");
    let (mut writer, reader) = testing::store(std::slice::from_ref(&before));
    let _ = writer.publish(&after, Serial(8)).unwrap();
    assert_eq!(reader.snapshot().zone(&after.apex).unwrap().contents(), stamped(&after, 8));
}

#[test]
fn zones_come_and_go_and_keep_their_index() {
    let (mut writer, reader) = Store::new();
    let apexes: Vec<Name> = (0..50).map(|at| name(&format!("z{at}.example"))).collect();
    for apex in &apexes {
        let _ = writer.publish(&zone(&apex.to_string(), APEX), Serial(1)).unwrap();
    }
    assert_eq!(reader.snapshot().zones().count(), 50);
    let index = reader.snapshot().zone(&apexes[7]).unwrap().index();
    writer.remove_zone(&apexes[7]).unwrap();
    assert!(reader.snapshot().zone(&apexes[7]).is_none());
    assert_eq!(reader.snapshot().zones().count(), 49);
    testing::reclaim_all(&mut writer);
    let contents = zone("z7.example", APEX);
    let _ = writer.publish(&contents, Serial(2)).unwrap();
    let snapshot = reader.snapshot();
    let again = snapshot.zone(&apexes[7]).unwrap();
    assert_eq!(again.index(), index);
    assert_eq!(again.contents(), stamped(&contents, 2));
}

#[test]
fn loading_takes_names_in_any_order() {
    let contents = example("a.b.c A 192.0.2.1\nb.c TXT \"t\"\nsub NS ns.sub\nns.sub A 192.0.2.2");
    let names = || contents.iter().map(|(name, sets)| (name.clone(), sets.to_vec()));
    for backwards in [false, true] {
        let mut names: Vec<_> = names().collect();
        if backwards {
            names.reverse();
        }
        let (mut writer, reader) = Store::new();
        let _ = writer.load(&contents.apex, Serial(3), names).unwrap();
        let snapshot = reader.snapshot();
        let view = snapshot.zone(&contents.apex).unwrap();
        assert_eq!(view.contents(), stamped(&contents, 3));
    }
}

#[test]
fn a_load_without_soa_leaves_the_zone_announced() {
    let contents = example("www A 192.0.2.1");
    let apex = contents.apex.clone();
    let (mut writer, reader) = Store::new();
    let names = contents.iter().map(|(name, sets)| (name.clone(), sets.to_vec()));
    let names: Vec<_> = names.filter(|(name, _)| *name != apex).collect();
    let error = writer.load(&apex, Serial(3), names).unwrap_err();
    assert_eq!(error, PublishError::NoSoa { apex: apex.clone() });
    let snapshot = reader.snapshot();
    let view = snapshot.zone(&apex).unwrap();
    assert_eq!((view.serial(), view.names().count()), (None, 0));
    let _ = writer.publish(&contents, Serial(4)).unwrap();
    assert_eq!(reader.snapshot().zone(&apex).unwrap().contents(), stamped(&contents, 4));
}

#[test]
fn refusals_change_nothing() {
    let contents = example("www A 192.0.2.1");
    let apex = contents.apex.clone();
    let foreign = name("www.example.org");
    let (mut writer, reader) = testing::store(std::slice::from_ref(&contents));
    let mut outside = ZoneDiff::default();
    outside.record(foreign.clone(), vec![], contents.sets(&name("www.example.com")).to_vec());
    let mut headless = ZoneDiff::default();
    headless.record(apex.clone(), contents.sets(&apex).to_vec(), vec![]);
    let unknown = name("example.org");
    let announced = name("example.net");
    writer.announce(&announced).unwrap();
    let no_soa = PublishError::NoSoa { apex: apex.clone() };
    assert_eq!(
        writer.commit(&apex, &outside, Serial(8)),
        Err(PublishError::OutOfZone { name: foreign, apex: apex.clone() })
    );
    assert_eq!(writer.commit(&apex, &headless, Serial(8)), Err(no_soa.clone()));
    assert_eq!(writer.publish(&ZoneContents::new(apex.clone()), Serial(8)), Err(no_soa));
    assert_eq!(
        writer.commit(&unknown, &ZoneDiff::default(), Serial(8)),
        Err(PublishError::UnknownZone { apex: unknown.clone() })
    );
    assert_eq!(writer.remove_zone(&unknown), Err(PublishError::UnknownZone { apex: unknown }));
    assert_eq!(
        writer.commit(&announced, &ZoneDiff::default(), Serial(8)),
        Err(PublishError::NotPublished { apex: announced })
    );
    assert_eq!(
        writer.load(&apex, Serial(8), []),
        Err(PublishError::AlreadyPublished { apex: apex.clone() })
    );
    assert_eq!(reader.snapshot().zone(&apex).unwrap().contents(), stamped(&contents, 7));
}

#[test]
fn what_cannot_be_served_is_left_out_and_named() {
    let mut contents = example("www A 192.0.2.1");
    let www = name("www.example.com");
    let values = (0..5000_u32).map(|at| Rdata::from_wire(at.to_be_bytes()));
    contents.insert(www.clone(), RecordSet::new(RecordType(300), 1, values).unwrap());
    let names = contents.iter().map(|(name, sets)| (name.clone(), sets.to_vec()));
    let outside = (name("www.example.org"), contents.sets(&www)[..1].to_vec());
    let names: Vec<_> = names.chain([outside]).collect();
    let (mut writer, reader) = Store::new();
    let left_out = writer.load(&contents.apex, Serial(1), names).unwrap().left_out;
    let reasons: Vec<_> =
        left_out.iter().map(|left_out| (left_out.name.to_string(), left_out.reason)).collect();
    assert_eq!(
        reasons,
        [
            ("www.example.com.".to_owned(), LeftOutReason::TooLarge { bytes: 80_000 }),
            ("www.example.org.".to_owned(), LeftOutReason::OutOfZone),
        ]
    );
    assert_eq!(reader.snapshot().lookup(&www), contents.sets(&www)[..1]);
}

#[test]
fn a_name_has_a_limit_too() {
    let mut contents = example("");
    let big = name("big.example.com");
    for number in 1000..1400 {
        let set = RecordSet::single(RecordType(number), 1, Rdata::from_wire(vec![0; 60_000]));
        contents.insert(big.clone(), set);
    }
    let (mut writer, reader) = Store::new();
    let left_out = writer.publish(&contents, Serial(1)).unwrap().left_out;
    assert!(left_out.iter().all(|left_out| left_out.reason == LeftOutReason::TooMuchAtOneName));
    assert_eq!(reader.snapshot().lookup(&big).len() + left_out.len(), 400);
    assert!(left_out.len() > 100);
}

#[test]
fn a_hundred_thousand_names_come_and_go_and_leave_nothing() {
    let (mut writer, reader) = testing::store(&[example("")]);
    let apex = name("example.com");
    let names: Vec<Name> =
        (0..100_000).map(|at| name(&format!("n{at}.d{}.example.com", at % 997))).collect();
    let set = [RecordSet::single(RecordType::A, 60, Rdata::from_wire([192, 0, 2, 1]))];
    for round in 0..3 {
        for names in names.chunks(1000) {
            let changes: Vec<_> = names.iter().map(|name| (name, &set[..])).collect();
            let _ = writer.replace_sets(&apex, &changes, Serial(round)).unwrap();
        }
        let snapshot = reader.snapshot();
        assert_eq!(snapshot.zone(&apex).unwrap().names().count(), names.len() + 2);
        assert!(names.iter().all(|name| snapshot.lookup(name) == set));
        for names in names.chunks(777) {
            let changes: Vec<_> = names.iter().map(|name| (name, &[][..])).collect();
            let _ = writer.replace_sets(&apex, &changes, Serial(round)).unwrap();
        }
        assert!(names.iter().all(|name| snapshot.lookup(name) == set), "the old snapshot");
        drop(snapshot);
        assert_eq!(reader.snapshot().zone(&apex).unwrap().names().count(), 2);
        testing::reclaim_all(&mut writer);
    }
}

#[test]
fn a_change_that_panics_is_not_published_and_ends_the_writer() {
    let (mut writer, reader) = Store::new();
    let apex = name("example.com");
    let names = std::iter::from_fn(|| panic!("the source of the names fails"));
    let load = std::panic::AssertUnwindSafe(|| writer.load(&apex, Serial(1), names));
    assert!(std::panic::catch_unwind(load).is_err());
    assert_eq!(reader.snapshot().zones().count(), 0);
    let announce = std::panic::AssertUnwindSafe(|| writer.announce(&apex));
    let panic = std::panic::catch_unwind(announce).unwrap_err();
    let message = panic.downcast_ref::<&str>().copied();
    assert_eq!(message, Some("a change of the zone store was cut short by a panic"));
}

#[test]
fn a_writer_that_goes_first_leaves_its_readers_in_peace() {
    let contents = example("www A 192.0.2.1");
    let (mut writer, reader) = testing::store(std::slice::from_ref(&contents));
    let snapshot = reader.snapshot();
    for serial in 0..200 {
        let _ = writer.commit(&contents.apex, &ZoneDiff::default(), Serial(serial)).unwrap();
    }
    drop(writer);
    assert_eq!(snapshot.zone(&contents.apex).unwrap().contents(), stamped(&contents, 7));
    assert_eq!(reader.snapshot().zone(&contents.apex).unwrap().serial(), Some(Serial(199)));
}
