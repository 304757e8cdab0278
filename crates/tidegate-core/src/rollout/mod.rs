//! What happens to a service next: [`plan()`](plan::plan) and the parts it is made of.

pub mod plan;

pub use plan::{Action, Gate, Input, Plan, Wake};
