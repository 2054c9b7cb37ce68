//! Packets with any signature.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| dns_server::fuzzing::check_signature(bytes));
