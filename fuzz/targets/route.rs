//! Routing tables: the maps find what trying every route finds.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| {
    tidegate_gateway::fuzz::route(text);
});
