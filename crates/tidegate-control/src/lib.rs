//! Reconcilers: read, plan, remember, act.
//!
//! [`plane`] is what the API may ask; [`engine`] is the loop's body that does it; [`snapshot`] turns a folder into a build's
//! input. Nothing here decides what a rollout does: that is `tidegate_core::rollout`.

pub mod digest;
pub mod engine;
pub mod plane;
pub mod seams;
pub mod snapshot;
pub mod workshop;

pub use plane::{
    ControlPlane, DeployRequest, EventQuery, LogPage, LogQuery, PlanRequest, Refusal, RefusalKind, Scope,
    ServiceRef,
};
