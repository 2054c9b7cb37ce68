//! All tests that run fedns and its rooms against the outside world, in one binary.

use std::process::ExitCode;

/// The harness itself: clusters start, fail and end as told.
mod harness;

fn main() -> ExitCode {
    tests::suite::run([harness::tests()].into_iter().flatten().collect())
}
