//! A connection to an endpoint, or a place on one.

use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tidegate_core::model::Protocol;

use super::sender::Sender;
use super::{Kept, Plain};
use crate::endpoint::Endpoint;

/// Dropping it closes the connection or gives up the place.
#[derive(Debug)]
pub(crate) enum Lease {
    /// A connection of HTTP/1.1, for one request at a time.
    Own(Plain),
    /// A place on one of HTTP/2, which others use as well.
    Shared(Sender),
}

impl Lease {
    /// Whether others use the connection as well.
    pub(crate) fn is_shared(&self) -> bool {
        matches!(self, Lease::Shared(_))
    }
}

/// A fresh connection to the endpoint, or a place on one that others use as well.
pub(crate) async fn connect(
    kept: &Rc<Kept>,
    endpoint: &Arc<Endpoint>,
    within: Duration,
) -> io::Result<Lease> {
    if matches!(endpoint.protocol(), Protocol::H2c | Protocol::H2) {
        return kept.shared.lease(&kept.plains, endpoint, within).await.map(Lease::Shared);
    }
    kept.plains.connect(endpoint, within).await.map(Lease::Own)
}
