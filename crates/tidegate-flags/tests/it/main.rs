//! Flag sets against flagd's own evaluators, and what flagd's features promise.
#![allow(clippy::unwrap_used)] // a test may end at an impossible case

mod allocations;
mod cost;
mod differential;
mod draws;
mod features;
mod generate;
mod lowered;
mod sets;
