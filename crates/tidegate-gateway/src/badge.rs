//! What every request of an arm carries: whose it is, and what it may expect. Made with the table, shared by the requests that
//! go by it: a [ticket](crate::ticket) is moved often, and should be small.

use std::sync::Arc;

use http::HeaderValue;

use crate::assign::LANE;
use crate::balance::{Guard, Terms};

/// See the module.
#[derive(Debug)]
pub(crate) struct Badge {
    /// What goes upstream in `tidegate-arm`.
    pub(crate) arm: HeaderValue,
    /// What goes upstream in `tidegate-revision`.
    pub(crate) revision: HeaderValue,
    /// What goes upstream in `tidegate-lane`, where the service is in a train.
    pub(crate) lane: Option<HeaderValue>,
    /// All as field lines, and the end of a head.
    pub(crate) lines: Box<[u8]>,
    /// How long its upstream is waited for.
    pub(crate) terms: Terms,
    /// Where the policy asks for more than a place.
    pub(crate) guard: Option<Arc<Guard>>,
}

impl Badge {
    pub(crate) fn new(
        (arm, revision, lane): (HeaderValue, HeaderValue, Option<HeaderValue>),
        terms: Terms,
        guard: Option<Arc<Guard>>,
    ) -> Arc<Badge> {
        let mut lines =
            [b"tidegate-arm: ", arm.as_bytes(), b"\r\ntidegate-revision: ", revision.as_bytes(), b"\r\n"]
                .concat();
        if let Some(lane) = &lane {
            lines.extend([LANE.as_bytes(), b": ", lane.as_bytes(), b"\r\n"].concat());
        }
        lines.extend(b"\r\n");
        Arc::new(Badge { arm, revision, lane, lines: lines.into(), terms, guard })
    }
}
