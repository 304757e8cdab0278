//! Where clients are, by a MaxMind-format database. Rules for arms and geographic balancing ask; nothing else may.

mod place;

pub(crate) use place::{Nowhere, Place, Places};
