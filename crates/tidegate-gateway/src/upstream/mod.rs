//! The endpoints' side: connections to instances, which of them are kept, and the bodies that pass through them.
//! HTTP/1.1 is spoken by [`http1`], and on the fast path, which takes connections as bytes ([`Plain`]); HTTP/2 by hyper's
//! client, here and nowhere else.

mod flow;
mod http1;
mod idle;
mod kept;
mod lease;
mod link;
mod plain;
mod reply;
mod send;
mod sender;
mod shared;
mod trust;
mod upload;

pub(crate) use crate::descriptors::is_ours;
pub(crate) use flow::{Flow, FlowError};
pub(crate) use idle::Watched;
pub(crate) use kept::Kept;
pub(crate) use lease::{Lease, connect};
pub(crate) use link::Link;
pub(crate) use plain::{Plain, Plains};
pub(crate) use reply::Reply;
pub(crate) use send::{Miss, send, send_copy};
pub(crate) use shared::{MOST as MOST_SHARED, is_full};
pub(crate) use upload::Upload;
