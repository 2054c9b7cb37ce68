//! All tests of this crate that use only what it offers to others.

/// Zones to read: samples from `zones/`, and random ones in every way of writing.
mod support;

/// Three other readers of zone files as judges.
mod judges;
/// Any bytes at all are survived.
mod robustness;
/// Reading and writing undo each other.
mod round_trip;
/// The sample zones: what each good one is written as, and what is said of each bad one.
mod sample_zones;
