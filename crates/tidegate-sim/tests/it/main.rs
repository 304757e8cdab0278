//! The simulation as tests: kept seeds, fresh seeds, determinism, scenarios, speed.

mod scenarios;
mod seeds;
mod speed;
