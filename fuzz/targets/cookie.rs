//! Bucket cookies: one spelling each.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    tidegate_gateway::fuzz::cookie(bytes);
});
