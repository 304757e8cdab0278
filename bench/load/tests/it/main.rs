//! Runs against servers that misbehave on purpose: each fault is counted as what it is, and nothing else.

#![allow(clippy::unwrap_used)] // a test may panic

mod counted;
mod server;
