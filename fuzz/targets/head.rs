//! Heads of requests: what the fast path takes, the general path takes with the same framing.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    tidegate_gateway::fuzz::head(bytes);
});
