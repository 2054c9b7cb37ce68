//! All tests that run fedns and its rooms against the outside world, in one binary.

use std::process::ExitCode;

/// The harness itself: clusters start, fail and end as told.
mod harness;

/// fedns on real API servers: what kubectl does becomes an answer.
mod live;

/// What fedns says of configs, good and bad.
mod configs;

/// What a person decides: a held reload, another cluster in a member's place.
mod orders;

/// The crates import one another only downwards.
mod structure;

fn main() -> ExitCode {
    tests::suite::run(
        [structure::tests(), configs::tests(), harness::tests(), live::tests(), orders::tests()]
            .into_iter()
            .flatten()
            .collect(),
    )
}
