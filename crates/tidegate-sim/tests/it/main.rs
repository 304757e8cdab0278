//! The simulation as tests: kept seeds, fresh seeds, determinism, scenarios, speed.
#![allow(clippy::unwrap_used)] // all of it is tests

mod jobs;
mod judging;
mod pipeline;
mod scenarios;
mod seeds;
mod speed;
