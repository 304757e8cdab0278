//! A commit on its way into an environment: what its run begins with, and what is done next.
//!
//! [`begin()`] makes a run of what the manifest says; [`again()`] and [`carried_on()`] make one of an earlier run: what that has done
//! already is left out. [`plan()`] is the one function that decides what becomes of a run. Called by `tidegate-control`.

mod begin;
mod events;
mod plan;
mod sight;
mod stage;
mod step;
#[cfg(test)]
mod tests;
mod winding_up;

pub use begin::{NewRun, again, begin, carried_on, supersedes};
pub use events::events;
pub use plan::{Act, Input, Plan, plan};
pub use sight::{DeploySight, Gate, ProcessSight, WorkspaceSight};
