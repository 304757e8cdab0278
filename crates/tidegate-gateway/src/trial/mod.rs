//! What users of each side of an A/B do: requests and answers that count, in cells of clients.
//!
//! [`Trial`] is a service's rules, compiled for one table; the worker asks it at admission for a [`Watch`] on a request of a
//! client that keeps to its arm, and tells that the status of the answer. Counts outlive tables, by revision.

mod cells;
mod rules;
mod watch;

pub(crate) use cells::Cells;
pub(crate) use rules::Trial;
pub(crate) use watch::Watch;
