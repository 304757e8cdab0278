//! Releases: what somebody asks of a flag becomes its next state and a record of the change, or a refusal with the reason.
//!
//! Git says what a flag is ([`Definition`]); the run time says what is served of it
//! ([`FlagState`](crate::model::FlagState)), changed by releases alone. [`order()`] decides what a person asks for,
//! [`step()`] and its kin make the releases of Tidegate itself, and [`compose()`] makes of both one flag file, in flagd's words, which
//! every evaluator understands. Called by the control plane; nothing here reads the time or keeps anything.

mod asked;
mod compose;
mod definition;
mod meaning;
mod order;
mod reach;
mod refused;
mod step;
#[cfg(test)]
mod tests;
mod words;
mod write_back;

pub use asked::{Asked, GuardAsked, Order, Ordered, Situation, Timed};
pub use compose::{compose, own_rule};
pub use definition::{Definition, FlagClass};
pub use meaning::turned_off;
pub use order::order;
pub use reach::answers_everybody;
pub use refused::Refused;
pub use step::{Step, back_in_force, begun, left_force, ready, safe_step, step, withdraw};
pub use words::moment;
pub use write_back::{RuleChange, Unwritten, WrittenBack, write_back};
