//! What the gateway tells of the requests it served: the access log and traces. Counts are in [`crate::count`].
//!
//! Both paths do the same three things: ask [`Observer::wish`] once a request has its id (one branch where there is no
//! log), keep what the log needs if it is wanted, and hand a [`Record`] to [`Observer::observe`] when the request is over.
//! In the general path [`Trail`] does all three.

mod record;
mod sample;
mod trail;

pub(crate) use record::{Record, Served, Timing};
pub(crate) use sample::{Sample, Wish};
pub(crate) use trail::Trail;

/// A worker's end of the access log.
#[derive(Debug, Default)]
pub(crate) struct Observer {
    sample: Sample,
}

impl Observer {
    /// Whether the log wants a request, by its id: a retry and a mirrored copy get the same answer.
    pub(crate) fn wish(&self, id: &[u8]) -> Wish {
        self.sample.wish(id)
    }

    /// Whether the log wants any request at all.
    pub(crate) fn is_on(&self) -> bool {
        self.sample.is_on()
    }

    /// A request is over that the log wants ([`Wish::holds`]).
    #[expect(clippy::unused_self, reason = "the writer of the log comes next")]
    pub(crate) fn observe(&self, record: &Record<'_>) {
        tracing::trace!(?record, "request");
    }
}
