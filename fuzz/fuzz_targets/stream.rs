//! Whatever comes over a TCP connection, in whatever pieces.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| dns_server::fuzzing::check_stream(bytes));
