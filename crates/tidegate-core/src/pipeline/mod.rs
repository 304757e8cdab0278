//! Pipelines: what becomes of a commit on its way into an environment.
//!
//! [`opening`] says whether a deploy may begin now, [`may_approve`] whose consent counts, [`supersedes`] which run makes another
//! one pointless, [`read_junit`] what a report of tests says. All of it is plain data in and out.

mod approval;
mod calendar;
mod filter;
mod junit;
mod pattern;
mod supersede;
#[cfg(test)]
mod tests;

pub use approval::{NoApproval, approvals_missing, may_approve};
pub use calendar::{Opening, opening};
pub use filter::{promotes_from, takes_pushes};
pub use junit::{JunitError, LONGEST_REPORT, read_junit};
pub use pattern::{Pattern, PatternError};
pub use supersede::supersedes;
