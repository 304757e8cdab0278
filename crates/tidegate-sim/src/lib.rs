//! Deterministic simulation of the whole control plane.
//!
//! The real engine and the real store (in memory) run against a fake backend, gateway and workshop in virtual time. A seed
//! makes up a story ([`story`]: what people do, what goes wrong); [`run`] plays it; [`invariants`] are checked after every
//! step and again when everything is at rest. The same seed gives the same run, byte for byte. [`scenario`] plays scripts
//! written by hand, which are documentation too.

pub mod ask;
pub mod campaign;
pub mod counts;
pub mod crash;
pub mod gateway;
pub mod invariants;
pub mod jobs;
pub mod jury;
pub mod log;
mod pass;
pub mod pipeline;
pub mod previews;
pub mod repositories;
pub mod rng;
pub mod run;
pub mod scenario;
pub mod sim;
pub mod speed;
pub mod story;
mod train;
pub mod view;
pub mod workshop;
pub mod workspace;
