//! BIND, ldns and Knot read the same zones. What all three take is taken here, and what is written
//! here says the same to them as the original did.
//!
//! They run where their programs are installed; `judges/cases.rs` lists single records on which they
//! agree, and those on which they do not, with what is done here and why.

mod cases;
mod tools;

use std::fmt::Write;
use std::ops::Range;

use model::{Name, ZoneContents};
use zone_files::{NoIncludes, Options, ReadZoneError, Source, read_zone, zone_text};

use crate::support::samples::{self, Sample};
use crate::support::{generator, renderer};
use cases::{AGREED, Disputed, FORBIDDEN, Forbidden, disputed};
use tools::{Judgement, Judges, Verdict};

const APEX: &str = "example.com.";
const HEAD: &str = "$ORIGIN example.com.\n$TTL 300\n\
    @ IN SOA ns1 hostmaster 1 900 300 604800 60\n@ IN NS ns1\nns1 IN A 192.0.2.53\n";

fn read(apex: &str, text: &str) -> Result<ZoneContents, ReadZoneError> {
    let source = Source { file: "zone", text: text.as_bytes() };
    let apex = Name::parse(apex).unwrap();
    let zone = read_zone(&apex, &[source], &mut NoIncludes, &Options::default());
    zone.map(|zone| zone.contents)
}

/// Every record in the generic form of RFC 3597, so that the judges see the bytes read here.
fn generic_text(zone: &ZoneContents) -> String {
    let mut text = format!("$ORIGIN {}\n", zone.apex);
    for (name, sets) in zone.iter() {
        for set in sets {
            for value in set.values() {
                let (ttl, number) = (set.ttl, set.record_type.0);
                writeln!(text, "{name} {ttl} IN TYPE{number} {value:?}").unwrap();
            }
        }
    }
    text
}

/// The judges read the same from what is written here as from the original.
#[track_caller]
fn assert_same(judges: &Judges, original: &Judgement, zone: &ZoneContents, about: &str) {
    let apex = zone.apex.to_string();
    let forms = [("written", zone_text(zone)), ("generic", generic_text(zone))];
    for (form, text) in forms {
        let ours = judges.judge(&apex, text.as_bytes());
        assert!(ours.all_take(), "{about}\n{form}: {ours}\n{text}");
        let texts = [
            ("ldns", &ours.ldns_text, &original.ldns_text),
            ("BIND", &ours.bind_text, &original.bind_text),
        ];
        for (judge, ours, original) in texts {
            let only_ours: Vec<_> = ours.difference(original).collect();
            let only_original: Vec<_> = original.difference(ours).collect();
            let differs = !only_ours.is_empty() || !only_original.is_empty();
            assert!(
                !differs,
                "{about}\n{form} as {judge} reads it: {only_ours:#?}{only_original:#?}"
            );
        }
    }
}

/// Samples that not all judges can read, and why.
const NOT_FOR_ALL: [(&str, &str); 2] = [
    ("includes", "ldns has no $INCLUDE, and Knot wants a name before the first blank of a file"),
    ("rare-types", "each type in it is unknown to one of them"),
];

#[test]
fn samples_are_read_alike() {
    let Some(judges) = Judges::call() else { return };
    for sample in samples::samples(&samples::folder()) {
        let apex = sample.apex.to_string();
        let judgement = judges.judge_file(&apex, &sample.path);
        let is_for_all = NOT_FOR_ALL.iter().all(|(name, _)| *name != sample.name());
        assert_eq!(judgement.all_take(), is_for_all, "{}: {judgement}", sample.name());
        if is_for_all {
            let zone = sample.read().unwrap().contents;
            assert_same(&judges, &judgement, &zone, sample.name());
        }
    }
}

/// BIND alone can judge what an `$INCLUDE` brings, and what it leaves as it was.
#[test]
fn includes_are_read_as_bind_reads_them() {
    let Some(judges) = Judges::call() else { return };
    let is_including = |sample: &Sample| sample.name() == "includes";
    let sample = samples::samples(&samples::folder()).into_iter().find(is_including).unwrap();
    let apex = sample.apex.to_string();
    let original = judges.judge_file(&apex, &sample.path);
    assert_eq!(original.bind, Verdict::Takes);
    let written = zone_text(&sample.read().unwrap().contents);
    assert_eq!(judges.judge(&apex, written.as_bytes()).bind_text, original.bind_text);
}

/// Random zones in every way of writing: all judges take them.
#[test]
fn random_zones_are_read_alike() {
    judge_random_zones(0..150);
}

/// A second half, as a test runner may do both at once.
#[test]
fn more_random_zones_are_read_alike() {
    judge_random_zones(150..300);
}

fn judge_random_zones(seeds: Range<u64>) {
    let Some(judges) = Judges::call() else { return };
    for seed in seeds {
        let generated = generator::zone(seed);
        let text = renderer::varied(&generated, seed);
        let apex = generated.apex.to_string();
        let judgement = judges.judge(&apex, text.as_bytes());
        assert!(judgement.all_take(), "seed {seed}: {judgement}\n{text}");
        let zone =
            read(&apex, &text).unwrap_or_else(|error| panic!("seed {seed}: {error}\n{text}"));
        assert_same(&judges, &judgement, &zone, &format!("seed {seed}\n{text}"));
    }
}

/// What all judges take, one record after another.
#[test]
fn agreed_records_are_read_alike() {
    let Some(judges) = Judges::call() else { return };
    for record in AGREED {
        let text = format!("{HEAD}{record}\n");
        let judgement = judges.judge(APEX, text.as_bytes());
        assert!(judgement.all_take(), "{record}: {judgement}");
        let zone = read(APEX, &text).unwrap_or_else(|error| panic!("{record}: {error}"));
        assert_same(&judges, &judgement, &zone, record);
    }
}

/// What no judge takes is refused here, with a reason.
#[test]
fn forbidden_records_are_refused_by_all() {
    let judges = Judges::call();
    for Forbidden { text: record, says } in FORBIDDEN {
        let text = format!("{HEAD}{record}\n");
        assert_eq!(read(APEX, &text).unwrap_err().to_string(), *says, "{record}");
        if let Some(judges) = &judges {
            let judgement = judges.judge(APEX, text.as_bytes());
            assert!(judgement.none_takes(), "{record}: {judgement}");
        }
    }
}

/// Where the judges disagree, or agree on what is not done here, a row says what is done and why.
/// Later versions of them may think otherwise, which is told and no failure.
#[test]
fn disputed_records_are_read_as_listed() {
    let judges = Judges::call();
    for Disputed { taken_by, text: record, says, why } in disputed() {
        let is_whole = record.starts_with("$ORIGIN example.com.\n");
        let text = if is_whole { format!("{record}\n") } else { format!("{HEAD}{record}\n") };
        let said = read(APEX, &text).err().map(|error| error.to_string()).unwrap_or_default();
        assert_eq!(said, *says, "{record}");
        assert!(!why.is_empty(), "{record}");
        if let Some(judges) = &judges {
            let takers = judges.judge(APEX, text.as_bytes()).takers();
            if takers != *taken_by {
                println!("{record:?}: taken by {takers}, listed as {taken_by}");
            }
        }
    }
}
