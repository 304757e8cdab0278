//! Which endpoint of its arm a request gets, and what keeps bad endpoints and overload from hurting. The decisions are
//! `tidegate_core::balance`'s; here is what of them the workers share, and the way a request takes through them.
//!
//! What is learned lives in `ArmState`, `Shared` and `Health`, which the registry owns and every table uses again; what the
//! policy says lives in `Picker`, `Guard` and `Terms`, which are made for each table. Nothing here waits but `Waiter`.

mod ask;
mod budget;
#[cfg(test)]
mod cost;
mod guard;
mod health;
mod line;
mod picker;
mod state;
mod terms;
mod tries;
mod usable;

pub(crate) use ask::{Ask, micros};
pub(crate) use budget::Shared;
pub(crate) use guard::{Entrance, Guard};
pub(crate) use health::Health;
pub(crate) use line::{Call, Waiter};
pub(crate) use picker::{Earlier, Picker};
pub(crate) use state::ArmState;
pub(crate) use terms::Terms;
pub(crate) use tries::{Failure, Tries};
pub(crate) use usable::usable;
