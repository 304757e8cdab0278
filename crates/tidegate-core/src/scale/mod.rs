//! How many instances the load of a service asks for, for the service and for each arm of its rollout.
//!
//! Called by the scale reconciler about once a second: [`decide()`] takes what was measured ([`Measured`]) and what was decided
//! before ([`Autoscaled`], kept with the service) and says what is wanted now; the planner reads that through [`wanted`]. It
//! starts and stops nothing, and knows nothing of strategies: the planner decides how many of the wanted instances a step
//! of a rollout has.
//!
//! What keeps it from fighting a rollout:
//! - each arm is judged by its own load, never by the mean of both;
//! - stable is judged by what *all* of the traffic would ask of it, so it does not shrink because traffic moved away;
//! - the candidate begins with what stable has and keeps its number when it becomes stable;
//! - nothing is decided on a measurement that is missing, and a smaller number has to be asked for for a while.

mod decide;
mod measured;
mod need;
mod state;
mod track;
mod window;

#[cfg(test)]
mod tests;

pub use decide::{Bounds, Decision, Input, Part, decide};
pub use measured::{Load, Measured};
pub use state::{Autoscaled, CandidateTracks, own_need, proves_only, wanted};
pub use track::Track;
