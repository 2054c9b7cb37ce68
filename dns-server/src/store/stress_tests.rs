//! Readers and the writer at the same time. Every reader checks, on each of its snapshots, what
//! must hold between names that change together.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;

use model::{Name, Rdata, RecordSet, RecordType, Serial};

use crate::store::Snapshot;
use crate::testing::{self, name};
use crate::{Reader, Writer};

const COMMITS: u32 = 20_000;
const READERS: usize = 3;
/// Names that carry the generation; more than one cache line's worth of segments.
const TWINS: u32 = 8;

fn generation_set(generation: u32) -> Vec<RecordSet> {
    vec![RecordSet::single(RecordType::A, 60, Rdata::from_wire(generation.to_be_bytes()))]
}

fn twin(number: u32) -> Name {
    name(&format!("twin{number}.example.com"))
}

/// Names that come and go keep the segments changing: they grow, get markers, are built anew.
fn drifter(generation: u32) -> Name {
    name(&format!("d{generation}.e{}.example.com", generation % 50))
}

fn start() -> (Writer, Reader) {
    let mut text = String::from("@ SOA ns hostmaster 1 900 300 604800 60\n");
    for number in 0..TWINS {
        text += &format!("twin{number} A 0.0.0.0\n");
    }
    let (mut writer, reader) = testing::store(&[testing::zone("example.com", &text)]);
    let apex = name("example.com");
    let _ = writer.replace_sets(&apex, &[], Serial(0)).unwrap();
    (writer, reader)
}

/// Generation N: all twins carry N, the serial is N, `odd` exists if N is odd, and of the drifters
/// those of the last 300 generations.
fn commit(writer: &mut Writer, generation: u32) {
    let twins: Vec<Name> = (0..TWINS).map(twin).collect();
    let set = generation_set(generation);
    let mut changes: Vec<(Name, Vec<RecordSet>)> =
        twins.into_iter().map(|name| (name, set.clone())).collect();
    let odd = if generation % 2 == 1 { set.clone() } else { Vec::new() };
    changes.push((name("odd.example.com"), odd));
    changes.push((drifter(generation), set));
    if let Some(old) = generation.checked_sub(300) {
        changes.push((drifter(old), Vec::new()));
    }
    let changes: Vec<_> = changes.iter().map(|(name, sets)| (name, sets.as_slice())).collect();
    let _ = writer.replace_sets(&name("example.com"), &changes, Serial(generation)).unwrap();
}

fn generation_of(snapshot: &Snapshot<'_>, name: &Name) -> Option<u32> {
    let sets = snapshot.lookup(name);
    let [set] = sets.as_slice() else { return None };
    let [value] = set.values() else { panic!("{name} has {set:?}") };
    Some(u32::from_be_bytes(value.wire().try_into().unwrap()))
}

fn check(snapshot: &Snapshot<'_>) -> u32 {
    let zone = snapshot.zone(&name("example.com")).unwrap();
    let Serial(generation) = zone.serial().unwrap();
    for number in 0..TWINS {
        assert_eq!(generation_of(snapshot, &twin(number)), Some(generation), "twin {number}");
    }
    let odd = (generation % 2 == 1).then_some(generation);
    assert_eq!(generation_of(snapshot, &name("odd.example.com")), odd);
    if generation > 0 {
        assert_eq!(generation_of(snapshot, &drifter(generation)), Some(generation));
        assert_eq!(generation_of(snapshot, &drifter(generation + 1)), None);
    }
    if generation > 300 {
        assert_eq!(generation_of(snapshot, &drifter(generation - 299)), Some(generation - 299));
        assert_eq!(generation_of(snapshot, &drifter(generation - 300)), None);
    }
    generation
}

#[test]
fn readers_never_see_half_a_change_nor_go_back_in_time() {
    let (mut writer, reader) = start();
    let done = AtomicBool::new(false);
    let most_seen = AtomicU32::new(0);
    thread::scope(|scope| {
        for _ in 0..READERS {
            scope.spawn(|| {
                let mut last = 0;
                while !done.load(Ordering::Relaxed) {
                    let generation = check(&reader.snapshot());
                    assert!(generation >= last, "{generation} after {last}");
                    last = generation;
                    most_seen.fetch_max(generation, Ordering::Relaxed);
                }
            });
        }
        (1..=COMMITS).for_each(|generation| commit(&mut writer, generation));
        done.store(true, Ordering::Relaxed);
    });
    assert_eq!(check(&reader.snapshot()), COMMITS);
    assert!(most_seen.into_inner() > 0, "the readers saw something of it");
}

#[test]
fn a_snapshot_stays_as_it_is_however_long_it_is_held() {
    let (mut writer, reader) = start();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..READERS {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    let snapshot = reader.snapshot();
                    let generation = check(&snapshot);
                    let names = |snapshot: &Snapshot<'_>| {
                        snapshot.zone(&name("example.com")).unwrap().names().count()
                    };
                    let count = names(&snapshot);
                    for _ in 0..20 {
                        assert_eq!(check(&snapshot), generation);
                        assert_eq!(names(&snapshot), count);
                    }
                }
            });
        }
        (1..=COMMITS / 4).for_each(|generation| commit(&mut writer, generation));
        done.store(true, Ordering::Relaxed);
    });
    testing::reclaim_all(&mut writer);
}

#[test]
fn zones_come_and_go_under_readers() {
    let (mut writer, reader) = start();
    let done = AtomicBool::new(false);
    let child = |generation: u32| {
        let text = format!(
            "@ SOA ns hostmaster 1 900 300 604800 60\nx A {}\n",
            std::net::Ipv4Addr::from(generation)
        );
        testing::zone("twin1.example.com", &text)
    };
    thread::scope(|scope| {
        for _ in 0..READERS {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    let snapshot = reader.snapshot();
                    let zone = snapshot.zone(&name("twin1.example.com"));
                    let serial = zone.and_then(|zone| zone.serial());
                    let inside = generation_of(&snapshot, &name("x.twin1.example.com"));
                    assert_eq!(inside, serial.map(|Serial(serial)| serial));
                    assert_eq!(zone.is_some(), serial.is_some());
                    assert_eq!(snapshot.zones().count(), 1 + usize::from(zone.is_some()));
                }
            });
        }
        for generation in 1..COMMITS / 20 {
            let _ = writer.publish(&child(generation), Serial(generation)).unwrap();
            if generation % 3 == 0 {
                writer.remove_zone(&name("twin1.example.com")).unwrap();
            }
        }
        done.store(true, Ordering::Relaxed);
    });
}
