#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| chat_tests::fuzzing::receive_http(data));
