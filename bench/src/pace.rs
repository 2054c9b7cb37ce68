//! Pauses that are part of a measurement: an outage's length, the rest between two rounds.

use std::time::Duration;

#[expect(clippy::disallowed_methods, reason = "here time itself is what is wanted")]
pub fn pause(duration: Duration) {
    std::thread::sleep(duration);
}
