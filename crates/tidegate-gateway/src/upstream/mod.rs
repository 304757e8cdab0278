//! The endpoints' side: connections to instances, which of them are kept, and the bodies that pass through them.
//! hyper's client is used here and nowhere else; the fast path takes connections as bytes ([`Plain`]).

mod flow;
mod idle;
mod kept;
mod lease;
mod link;
mod plain;
mod send;
mod sender;
mod shared;
mod trust;
mod upload;

pub(crate) use flow::{Flow, FlowError};
pub(crate) use idle::Watched;
pub(crate) use kept::Kept;
pub(crate) use lease::{Lease, connect};
pub(crate) use link::Link;
pub(crate) use plain::{Plain, Plains};
pub(crate) use send::{Miss, send, send_copy};
pub(crate) use upload::Upload;
