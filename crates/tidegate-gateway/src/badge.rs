//! What every request of an arm carries: whose it is, and what it may expect. Made with the table, shared by the requests that
//! go by it: a [ticket](crate::ticket) is moved often, and should be small.

use std::sync::Arc;

use http::HeaderValue;

use crate::balance::{Guard, Terms};

/// See the module.
#[derive(Debug)]
pub(crate) struct Badge {
    /// What goes upstream in `tidegate-arm`.
    pub(crate) arm: HeaderValue,
    /// What goes upstream in `tidegate-revision`.
    pub(crate) revision: HeaderValue,
    /// Both as field lines, and the end of a head.
    pub(crate) lines: Box<[u8]>,
    /// How long its upstream is waited for.
    pub(crate) terms: Terms,
    /// Where the policy asks for more than a place.
    pub(crate) guard: Option<Arc<Guard>>,
}

impl Badge {
    pub(crate) fn new(
        (arm, revision): (HeaderValue, HeaderValue),
        terms: Terms,
        guard: Option<Arc<Guard>>,
    ) -> Arc<Badge> {
        let lines =
            [b"tidegate-arm: ", arm.as_bytes(), b"\r\ntidegate-revision: ", revision.as_bytes(), b"\r\n\r\n"];
        let lines = lines.concat().into();
        Arc::new(Badge { arm, revision, lines, terms, guard })
    }
}
