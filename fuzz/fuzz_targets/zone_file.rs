//! Master-file text to zone contents, and what is answered from them.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| dns_server::fuzzing::check_zone_file(bytes));
