//! The repository at a Git host that an app follows: which addresses can be followed, what a look at it means, and when the next
//! one is due.
//!
//! Called by the scout of the control plane, which looks, and by whoever connects a repository. Nothing here fetches anything.

mod address;
mod changes;
mod due;

pub use address::{AddressError, SourceAddress, Transport};
pub use changes::{Arrived, Changes, Listed, changes, follows};
pub use due::{after_failure, after_look};
