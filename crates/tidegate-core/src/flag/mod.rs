//! What deploys and code mean for flags: what stays defined, what a deploy must not take, and what is left over.
//!
//! The control plane calls it when a deploy comes in and comes into force, and when it is asked for debt. What is served of a
//! flag is decided in [`release`](crate::release) alone.

mod carried;
mod debt;
mod lost;

pub use carried::carried;
pub use debt::{Debt, DebtKind, Known, debt, served_since};
pub use lost::{LostVariant, lost_variants};
