//! Where clients are, by a MaxMind-format database. Rules for arms and geographic balancing ask a worker's [`Atlas`];
//! [`Geo`] is what the workers share, and [`watch`] reads the file again when it changes, off the workers' threads.

mod atlas;
mod database;
#[cfg(test)]
mod made;
mod shared;
mod whereabouts;

pub(crate) use atlas::Atlas;
pub(crate) use shared::{Geo, watch};
#[cfg(test)]
pub(crate) use whereabouts::{Code, Nowhere};
pub(crate) use whereabouts::{Locate, Whereabouts};

/// The database's file in the gateway's directory, where no other was named.
pub(crate) const FILE: &str = "geo.mmdb";
