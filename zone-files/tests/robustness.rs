//! Any bytes at all: never a panic, never an endless read, and every error at a place that exists.

use std::io;

use crate::support::random::Random;
use crate::support::{generator, renderer, samples};
use model::Name;
use proptest::prelude::*;
use zone_files::{
    Completeness, IncludeRequest, Included, Options, Reader, Source, read_zone, zone_text,
};

/// What is special in a zone file, and pieces that are right in some places and wrong in others.
const PIECES: &[&[u8]] = &[
    b"(",
    b")",
    b"\"",
    b";",
    b"\\",
    b"\n",
    b"\r\n",
    b" ",
    b"\t",
    b"@",
    b"$",
    b".",
    b"..",
    b"\\#",
    b"\\25",
    b"\0",
    b"\xff",
    b"\xef\xbb\xbf",
    b"=",
    b",",
    b"!",
    b"4294967296",
    b"-1",
    b"1h",
    b"TYPE0",
    b"TYPE65536",
    b"$ORIGIN ",
    b"$TTL ",
    b"$INCLUDE x\n",
    b" IN ",
    b" CH ",
    b" A ",
    b" TXT ",
    b" SOA ",
    b" HTTPS 1 . ",
    b" LOC ",
    b" NSEC ",
    b" CNAME ",
    b" DNAME ",
    b" APL ",
    b"alpn=",
    b"key1=",
    b"mandatory=",
    b"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
];

fn mutate(text: &mut Vec<u8>, random: &mut Random) {
    let at = random.below(text.len() + 1);
    let length = random.below(30).min(text.len() - at);
    match random.below(5) {
        0 => drop(text.splice(at..at, random.pick(PIECES).iter().copied())),
        1 => drop(text.splice(at..at + length, [])),
        2 => drop(text.splice(at..at + length, random.pick(PIECES).iter().copied())),
        3 => {
            let copied = text[at..at + length].to_vec();
            let to = random.below(text.len() + 1);
            drop(text.splice(to..to, copied));
        }
        _ => {
            if let Some(byte) = text.get_mut(at) {
                *byte ^= 1 << random.below(8);
            }
        }
    }
}

/// Reads `text` in every way; what can be read must survive being written.
fn survive(apex: &Name, text: &[u8]) {
    // The text includes itself, under other names, until the reader stops it.
    let mut count = 0;
    let mut load = |IncludeRequest { path, from: _ }: IncludeRequest<'_>| {
        count += 1;
        match count {
            0..20 => Ok(Included { file: format!("{path}{count}").into(), text: text.to_vec() }),
            _ => Err(io::Error::other("enough")),
        }
    };
    let source = Source { file: "zone", text };
    let lines = text.split(|&byte| byte == b'\n').count() as u32;
    for read in Reader::new(source, apex, &mut load) {
        let position = read.map_or_else(|error| error.position, |record| record.position);
        assert!((1..=lines).contains(&position.line), "{position} of {lines} lines");
        assert!(position.column >= 1);
    }
    let options = Options { completeness: Completeness::Part, default_ttl: Some(1), errors_max: 5 };
    match read_zone(apex, &[source], &mut load, &options) {
        Err(error) => assert!(!error.to_string().is_empty()),
        Ok(zone) => {
            let written = zone_text(&zone.contents);
            let source = Source { file: "written", text: written.as_bytes() };
            match read_zone(apex, &[source], &mut load, &options) {
                Ok(again) => assert!(again.contents == zone.contents, "{written}"),
                Err(error) => panic!("{error}\n{written}"),
            }
        }
    }
}

#[test]
fn damaged_samples_are_survived() {
    let folder = samples::folder();
    let good = samples::samples(&folder);
    let bad = samples::samples(&folder.join("bad"));
    for (seed, sample) in good.iter().chain(&bad).enumerate() {
        let mut random = Random::new(seed as u64);
        for _ in 0..150 {
            let mut text = sample.text.clone();
            for _ in 0..1 + random.below(6) {
                mutate(&mut text, &mut random);
            }
            survive(&sample.apex, &text);
        }
    }
}

#[test]
fn cut_samples_are_survived() {
    for sample in samples::samples(&samples::folder()) {
        for end in (0..sample.text.len()).step_by(7) {
            survive(&sample.apex, &sample.text[..end]);
        }
    }
}

#[test]
fn damaged_random_zones_are_survived() {
    for seed in 0..300 {
        let generated = generator::zone(seed);
        let mut text = renderer::varied(&generated, seed).into_bytes();
        let mut random = Random::new(seed);
        for _ in 0..1 + random.below(4) {
            mutate(&mut text, &mut random);
        }
        survive(&generated.apex, &text);
    }
}

/// Errors without end take neither memory nor time without end.
#[test]
fn huge_nonsense_is_refused_soon() {
    let apex = Name::parse("example.com").unwrap();
    let options = Options::default();
    for piece in ["x\n", "( ", "\" ", "a b ", ")", "\\", "a. 1 A 192.0.2.1\n", "$TTL 1\n"] {
        let text = piece.repeat(1_000_000);
        let source = Source { file: "zone", text: text.as_bytes() };
        let error = read_zone(&apex, &[source], &mut zone_files::NoIncludes, &options).unwrap_err();
        assert!(error.to_string().lines().count() <= 203, "{piece}");
    }
}

proptest! {
    // The cases of failures would be kept beside sources that lie elsewhere.
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_survived(text in prop::collection::vec(any::<u8>(), 0..400)) {
        survive(&Name::root(), &text);
    }

    #[test]
    fn any_pieces_are_survived(pieces in prop::collection::vec(prop::sample::select(PIECES), 0..60)) {
        survive(&Name::parse("example.com").unwrap(), &pieces.concat());
    }
}
