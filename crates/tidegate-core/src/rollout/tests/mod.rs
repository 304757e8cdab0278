//! The planner against a small world: instances that start, fail and stop, a gateway that acknowledges.

mod besides;
mod canary;
mod checks;
mod invariants;
mod liveness;
mod outcast;
mod smoke;
mod strategies;
mod taken_back;
mod verdicts;
mod worker;
pub(crate) mod world;
