//! The simulation as tests: kept seeds, fresh seeds, determinism, scenarios, speed.
#![allow(clippy::unwrap_used)] // all of it is tests

mod guards;
mod jobs;
mod judging;
mod pipeline;
mod previews;
mod scenarios;
mod seeds;
mod speed;
