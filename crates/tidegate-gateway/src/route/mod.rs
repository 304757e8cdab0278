//! The routing table, compiled: from host and path to the arms of an upstream. Made once per epoch, read by every
//! request. Knows nothing of connections.

mod arm;
mod host;
mod path;
mod spelling;
mod table;
mod turn;

pub(crate) use arm::{Arm, Place, Seated, Upstream};
pub(crate) use host::{Hosts, host_name};
pub(crate) use path::Paths;
pub(crate) use spelling::{behind, keys, normal};
pub(crate) use table::{Found, Route, Table, TableError};
pub(crate) use turn::Turn;

pub(crate) use table::validate;
