//! Chunked bodies: one verdict, however they are cut.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    tidegate_gateway::fuzz::chunks(bytes);
});
