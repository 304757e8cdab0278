//! Reconcilers: read, plan, remember, act.
//!
//! [`plane`] is what the API may ask, [`access`] who may ask for what, and [`handle`] who answers: reads by [`answer`], writes by `change`, `environment`, `release`, `start_job` and `intake` between
//! two passes of the loop in [`run`], whose body is [`engine`]. [`snapshot`] turns a folder into a build's input and
//! [`workshop`] that into a build; [`source`] follows repositories at Git hosts, whose webhooks [`hook`] reads; [`pipeline`] begins and changes runs, [`workspace`] lays out what their steps work in. [`identity`] knows who is let in, [`provenance`] signs what is said of builds. Nothing here decides what a rollout does: that is `tidegate_core::rollout`.

pub mod access;
pub mod answer;
pub mod audit;
mod change;
mod claim;
pub mod clock;
mod codes;
pub mod courier;
mod defined;
pub mod digest;
pub mod engine;
mod environment;
pub mod experiment;
mod fall_back;
mod flag_code;
mod flag_key;
pub mod git;
pub mod handle;
pub mod hook;
pub mod identity;
mod intake;
mod key_file;
mod left_over;
pub mod openid;
pub mod pipeline;
pub mod plane;
pub mod protection;
pub mod provenance;
pub mod push;
mod release;
pub mod run;
pub mod seams;
pub mod setting;
pub mod snapshot;
pub mod source;
mod start_job;
mod succession;
mod tell;
mod together;
mod trial;
pub mod vault;
pub mod workshop;
pub mod workspace;

pub use audit::{AuditLog, AuditQuery};
pub use codes::{Explained, codes};
pub use handle::{Handle, HandleParts};
pub use plane::{
    BeginRun, BreakGlass, ControlPlane, DeployRequest, EventQuery, FlagRef, LogPage, LogQuery, PlanRequest,
    Refusal, RefusalKind, Scope, ServiceRef, TrafficView, UpgradeView,
};
