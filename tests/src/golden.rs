//! Texts that stand in files beside the tests.

use std::path::Path;
use std::{env, fs};

/// Compares a text with the file that holds the expected one. With `FEDNS_TEST_BLESS=1` the file is
/// written anew, to be read before it is committed.
#[track_caller]
pub fn compare(expect: &Path, text: &str) {
    if env::var_os("FEDNS_TEST_BLESS").is_some_and(|it| it == "1") {
        fs::write(expect, text).unwrap_or_else(|error| panic!("{}: {error}", expect.display()));
    }
    let expected = fs::read_to_string(expect)
        .unwrap_or_else(|error| panic!("{}: {error}; the text is:\n{text}", expect.display()));
    assert!(
        text == expected,
        "differs from {}\n--- expected\n{expected}--- found\n{text}---",
        expect.display()
    );
}
