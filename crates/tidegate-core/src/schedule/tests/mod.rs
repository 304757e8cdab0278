//! Schedules, plans, and what must hold for all of them.

mod adopt;
mod invariants;
mod plan;
mod slots;
mod world;
