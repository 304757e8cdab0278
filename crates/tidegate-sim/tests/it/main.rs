//! The simulation as tests: kept seeds, fresh seeds, determinism, scenarios, speed.

mod jobs;
mod scenarios;
mod seeds;
mod speed;
