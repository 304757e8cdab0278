//! What happens to a service next: [`plan()`] and the parts it is made of.
//!
//! A pass over a service goes: [`observe()`] takes in what was seen of its instances, [`plan()`] decides. Inside it:
//! [`guard`] says whether the candidate must be taken back, [`shape`] how many instances of each revision there should be
//! and who gets traffic (one function a strategy), [`converge`] creates and retires instances towards that, [`share`] turns
//! ready instances into weights. Where a strategy goes by steps, [`stage`] says what those so far ask for and [`steps`] when one
//! is over. [`checks`] says what is asked about the candidate besides, and what the answers do. `ride` has members of a
//! [train](crate::train) keep together. [`effective()`] says which strategy a service can really have, [`begin()`] how a new rollout
//! takes the place of one in progress, [`leave()`] how a service goes with its environment.

pub mod begin;
pub mod checks;
pub mod converge;
pub mod effective;
pub mod groups;
pub mod guard;
mod leave;
pub mod observe;
mod outcast;
mod plan;
mod progress;
mod report;
mod ride;
pub mod shape;
pub mod share;
mod smoke;
pub mod stage;
pub mod steps;
pub mod supervise;
mod tell;

#[cfg(test)]
pub(crate) mod tests;

pub use begin::{Begun, begin};
pub use checks::{Answers, counting};
pub use effective::effective;
pub use leave::leave;
pub use observe::observe;
pub use plan::{Action, Gate, Input, Plan, Wake, plan};
pub use progress::current;
