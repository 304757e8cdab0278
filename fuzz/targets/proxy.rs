//! PROXY headers: whole, to come, or none, and the same however they are cut.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    tidegate_gateway::fuzz::proxy(bytes);
});
