//! `FEDNS_TEST_BLESS=1` writes the expected texts anew, to be read before they are committed.

use std::fs;
use std::path::Path;

use crate::support::samples::{self, Sample};
use zone_files::{NoIncludes, Options, Source, read_zone, zone_text};

#[track_caller]
fn compare(expect: &Path, text: &str) {
    if std::env::var_os("FEDNS_TEST_BLESS").is_some() {
        fs::write(expect, text).unwrap();
    }
    let expected = fs::read_to_string(expect).unwrap_or_default();
    assert_eq!(text, expected, "differs from {}", expect.display());
}

fn warning_lines(warnings: &[zone_files::PlacedFinding]) -> String {
    warnings.iter().map(|warning| format!("; warning: {warning}\n")).collect()
}

/// Each sample gives the text in `zones/written`, and that text is a zone that is written the same.
#[test]
fn good_zones_are_written_as_expected() {
    let folder = samples::folder();
    for sample in samples::samples(&folder) {
        let zone = sample.read().unwrap_or_else(|error| panic!("{}:\n{error}", sample.name()));
        let text = zone_text(&zone.contents);
        let expect = folder.join("written").join(format!("{}.zone", sample.name()));
        compare(&expect, &(warning_lines(&zone.warnings) + &text));
        let source = Source { file: "written", text: text.as_bytes() };
        let again =
            read_zone(&sample.apex, &[source], &mut NoIncludes, &Options::default()).unwrap();
        assert!(again.contents == zone.contents, "{} reads back differently", sample.name());
        assert_eq!(zone_text(&again.contents), text);
    }
}

#[test]
fn bad_zones_are_refused_with_every_error() {
    for sample in samples::samples(&samples::folder().join("bad")) {
        let error = sample.read().expect_err(sample.name());
        let text = format!("{error}\n{}", warning_lines(&error.warnings));
        compare(&sample.path.with_extension("errors"), &text);
    }
}

/// Lines that end in CR and LF, a byte-order mark, and a last line without an end change nothing.
#[test]
fn how_an_editor_saves_a_file_changes_nothing() {
    for sample in samples::samples(&samples::folder()) {
        let text = String::from_utf8(sample.text.clone()).unwrap();
        let saved = format!("\u{feff}{}", text.replace('\n', "\r\n").trim_end());
        let expect = zone_text(&sample.read().unwrap().contents);
        let saved = Sample { text: saved.into_bytes(), ..sample };
        assert_eq!(zone_text(&saved.read().unwrap().contents), expect, "{}", saved.name());
    }
}
