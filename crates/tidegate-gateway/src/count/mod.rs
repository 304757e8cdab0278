//! What the gateway counts. Each worker writes counters of its own, with plain loads and stores that no other core waits
//! for; only the report reads them all. Nothing here allocates but the first request of a worker on a row.
//!
//! [`Row`]: an instance in an arm. [`RouteRow`]: a route. [`Tally`]: what belongs to neither, and the one end of every
//! request that the two paths share.

mod counter;
mod front;
mod lanes;
mod named;
mod outcome;
mod route;
mod routes;
mod row;
mod samples;
mod spread;
mod tally;
mod walk;

pub(crate) use front::Front;
pub(crate) use outcome::Outcome;
pub(crate) use route::{RouteLane, RouteRow};
pub(crate) use routes::{RouteKey, RouteRows};
pub(crate) use row::Row;
pub(crate) use tally::{Over, Protocol, Tally};
pub(crate) use walk::some_after;
