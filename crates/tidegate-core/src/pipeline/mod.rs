//! Pipelines: what becomes of a commit on its way into an environment.
//!
//! [`begin()`] makes a run of what the manifest says; [`again()`] and [`carried_on()`] make one of an earlier run: what that has done
//! already is left out. [`plan()`] is the one function that decides what becomes of a run. [`opening`] says whether a deploy may begin
//! now, [`may_approve`] whose consent counts, [`supersedes`] which run makes another one pointless, [`read_junit`] what a report of
//! tests says. All of it is plain data in and out.

mod approval;
mod begin;
mod calendar;
mod events;
mod filter;
mod junit;
mod pattern;
mod plan;
mod sight;
mod stage;
mod step;
mod supersede;
#[cfg(test)]
mod tests;
mod winding_up;

pub use approval::{NoApproval, approvals_missing, may_approve};
pub use begin::{NewRun, again, begin, carried_on};
pub use calendar::{Opening, opening};
pub use events::events;
pub use filter::{promotes_from, takes_pushes};
pub use junit::{JunitError, LONGEST_REPORT, read_junit};
pub use pattern::{Pattern, PatternError};
pub use plan::{Act, Input, Plan, plan};
pub use sight::{DeploySight, Gate, ProcessSight, WorkspaceSight};
pub use supersede::supersedes;
