//! Experiments on flags: events in, what they come to kept. [`crate::handle`] calls it for the API and the loop in [`crate::run`]
//! counts users whose time is over.
//!
//! An experiment begins by itself with the first user seen of a flag that is one, and ends when somebody stops it, or when
//! what is served or measured is changed. What any of it means is decided in `tidegate_core::experiment`; here it is
//! looked up, counted in one transaction with the events that are counted, and told. Names of users stay outside: what comes
//! here are digests made by [`pseudonym`], by the gateway too: what it saw of users is taken by [`report`] in a pass of the loop.

mod bundle;
mod close;
mod meaning;
pub mod pseudonym;
mod report;
mod standing;
mod stop;
mod take;

pub(crate) use bundle::in_bundle;
pub use close::{count_due, forget, keep_house};
pub use pseudonym::{Pseudonyms, Received};
pub(crate) use report::take_reports;
pub(crate) use standing::{Designed, designs, designs_of, ends, holds_split, moved, settle};
pub use stop::stop;
pub use take::take;
