//! All that fuzzers have found so far, again.

use std::fs;
use std::path::Path;

use super::*;

/// Calls `check` with each input of a target's corpus.
fn replay(target: &str, check: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(target);
    let mut count = 0;
    for entry in fs::read_dir(&folder).unwrap_or_else(|error| panic!("{folder:?}: {error}")) {
        let file = entry.unwrap().path();
        // Named where it fails.
        println!("{}", file.display());
        check(&fs::read(&file).unwrap());
        count += 1;
    }
    assert!(count > 10, "the corpus of {target} has {count} inputs");
}

#[test]
fn queries() {
    replay("query", check_query);
}

#[test]
fn streams() {
    replay("stream", check_stream);
}

#[test]
fn zone_files() {
    replay("zone_file", check_zone_file);
}

#[test]
fn signatures() {
    replay("signature", check_signature);
}
