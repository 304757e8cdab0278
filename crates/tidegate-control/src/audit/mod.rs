//! The audit log: who asked, what is written down of it, and whether the log is whole.
//!
//! The API puts the [`Caller`](tidegate_core::access::Caller) of a request around each call of the control plane ([`Call`]). What changes
//! something goes to the loop through `Handle::change` with its [deed](deeds): the store writes the entry in the transaction of the
//! change, and a refusal in one of its own. What never gets to the loop is told by [`AuditLog::audit_note`].
//!
//! How far the log has come is kept outside the database by the [`Keeper`], which is the loop's; the [`Watch`] verifies the chain on a
//! thread of its own.

mod asked;
mod call;
pub(crate) mod deeds;
mod keeper;
mod log;
mod seal;
mod standing;
#[cfg(test)]
mod tests;
mod watch;

pub use call::Call;
pub use keeper::Keeper;
pub use log::{AuditLog, AuditQuery, LARGEST_PAGE};
pub use seal::{FILE, KEY_FILE, Seal};
pub use standing::Standing;
pub use watch::Watch;
