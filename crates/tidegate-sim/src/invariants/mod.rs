//! What must hold whatever happens, one function each. They look; they change nothing.

pub mod backend;
pub mod equivalence;
pub mod fixpoint;
pub mod migration;
pub mod requests;
pub mod rest;
pub mod rollout;
pub mod rotation;
pub mod routing;
pub mod steps;
pub mod train;

/// A broken invariant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Which: its function's name.
    pub invariant: &'static str,
    /// What was seen.
    pub what: String,
}

/// What a check says.
pub type Held = Result<(), Violation>;

/// Fails with `what` where `holds` is false.
pub(crate) fn ensure(invariant: &'static str, holds: bool, what: impl FnOnce() -> String) -> Held {
    if holds { Ok(()) } else { Err(Violation { invariant, what: what() }) }
}
