//! Reading and writing undo each other, and how a zone is written does not change what it says.

use crate::support::{generator, renderer};
use model::{Name, Rdata, RecordSet, RecordType, ZoneContents};
use proptest::prelude::*;
use zone_files::{
    Completeness, NoIncludes, Options, Source, parse_rdata, rdata_text, read_zone, zone_text,
};

fn read(apex: &Name, text: &str, options: &Options) -> ZoneContents {
    let source = Source { file: "zone", text: text.as_bytes() };
    match read_zone(apex, &[source], &mut NoIncludes, options) {
        Ok(zone) => zone.contents,
        Err(error) => panic!("{error}\n{text}"),
    }
}

#[test]
fn the_way_of_writing_changes_nothing() {
    let mut record_types = std::collections::BTreeSet::new();
    for seed in 0..500 {
        let generated = generator::zone(seed);
        let plain = read(&generated.apex, &renderer::plain(&generated), &Options::default());
        let varied = renderer::varied(&generated, seed);
        assert_eq!(read(&generated.apex, &varied, &Options::default()), plain, "{varied}");
        let written = zone_text(&plain);
        assert_eq!(read(&generated.apex, &written, &Options::default()), plain, "{written}");
        record_types.extend(plain.iter().flat_map(|(_, sets)| sets).map(|set| set.record_type));
    }
    assert!(record_types.len() > 40, "{record_types:?}");
}

/// Labels of any bytes, lower-cased by the name itself.
fn name_below(apex: &'static str) -> impl Strategy<Value = Name> {
    let label = prop::collection::vec(any::<u8>(), 1..20);
    prop::collection::vec(label, 0..4).prop_map(move |labels| {
        let apex = Name::parse(apex).unwrap();
        Name::from_labels(labels.iter().map(Vec::as_slice), &apex).unwrap()
    })
}

/// Types whose data may be any bytes, and any strings as TXT.
fn set() -> impl Strategy<Value = RecordSet> {
    let strings = prop::collection::vec(prop::collection::vec(any::<u8>(), 0..=255), 1..4);
    let txt = strings.prop_map(|strings| {
        strings
            .iter()
            .flat_map(|s| std::iter::once(s.len() as u8).chain(s.iter().copied()))
            .collect()
    });
    let value = prop_oneof![
        (Just(16), txt),
        (Just(1), prop::collection::vec(any::<u8>(), 4)),
        (Just(28), prop::collection::vec(any::<u8>(), 16)),
        (65_280u16..65_535, prop::collection::vec(any::<u8>(), 0..30)),
    ];
    let ttl = 0..=i32::MAX as u32;
    (value, ttl).prop_map(|((number, wire), ttl): ((u16, Vec<u8>), u32)| {
        RecordSet::single(RecordType(number), ttl, Rdata::from_wire(wire))
    })
}

proptest! {
    // The cases of failures would be kept beside sources that lie elsewhere.
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Names and data of any bytes.
    #[test]
    fn what_is_written_reads_back(
        names in prop::collection::vec((name_below("example.com"), set()), 0..20)
    ) {
        let apex = Name::parse("example.com").unwrap();
        let mut zone = ZoneContents::new(apex.clone());
        for (name, set) in names {
            zone.insert(name, set);
        }
        let text = zone_text(&zone);
        prop_assert!(text.is_ascii());
        let options = Options { completeness: Completeness::Part, ..Options::default() };
        prop_assert_eq!(read(&apex, &text, &options), zone);
    }

    /// The root as apex leaves no origin to shorten names by.
    #[test]
    fn the_root_zone_reads_back(name in name_below("."), set in set()) {
        let mut zone = ZoneContents::new(Name::root());
        zone.insert(name, set);
        let options = Options { completeness: Completeness::Part, ..Options::default() };
        prop_assert_eq!(read(&Name::root(), &zone_text(&zone), &options), zone);
    }
}

/// Data in its own text and in the generic form is the same.
#[test]
fn generic_data_is_the_same_data() {
    for seed in 0..50 {
        let generated = generator::zone(seed);
        let zone = read(&generated.apex, &renderer::plain(&generated), &Options::default());
        for set in zone.iter().flat_map(|(_, sets)| sets) {
            for value in set.values() {
                let generic = format!("{value:?}");
                let read = parse_rdata(set.record_type, &generic, &generated.apex);
                let text = rdata_text(set.record_type, value);
                assert_eq!(read.as_ref(), Ok(value), "{} {text} {generic}", set.record_type);
            }
        }
    }
}
