//! Who asks Tidegate for something, what it is called, and what that needs.

mod action;
mod caller;
mod role;

pub use action::Action;
pub use caller::{Caller, Origin, Who};
pub use role::Role;
