//! A request's place on an endpoint: in flight from the pick until the answer is complete, then counted. Dropping it at
//! any point does both, so nothing that goes wrong can leave an endpoint busy for ever.

use std::sync::Arc;
use std::time::{Duration, Instant};

use http::HeaderValue;

use crate::count::{Outcome, Row};
use crate::endpoint::Endpoint;
use crate::route::{Arm, Place};

/// One attempt of one request.
#[derive(Debug)]
pub(crate) struct Ticket {
    pub(crate) endpoint: Arc<Endpoint>,
    /// What goes upstream in `tidegate-arm`.
    pub(crate) arm: HeaderValue,
    /// What goes upstream in `tidegate-revision`.
    pub(crate) revision: HeaderValue,
    row: Option<Arc<Row>>,
    worker: usize,
    started: Instant,
    latency: Option<Duration>,
    outcome: Outcome,
}

impl Ticket {
    /// Takes a place. Must run in the same poll as the pick, before the worker can swap its table: after the swap is
    /// acknowledged the count of an endpoint that left only falls.
    pub(crate) fn take(worker: usize, arm: &Arm, place: &Place) -> Self {
        place.endpoint.enter();
        Ticket {
            endpoint: place.endpoint.clone(),
            arm: arm.role_value.clone(),
            revision: arm.revision_value.clone(),
            row: Some(place.row.clone()),
            worker,
            started: Instant::now(),
            latency: None,
            outcome: Outcome::Cancelled,
        }
    }

    /// This is not the request's first attempt: it counts nowhere.
    pub(crate) fn uncounted(mut self) -> Self {
        self.row = None;
        self
    }

    /// The head of the answer is here.
    pub(crate) fn on_answer(&mut self) {
        self.latency = Some(self.started.elapsed());
    }

    /// How it ends. Not called: the client went away.
    pub(crate) fn end(mut self, outcome: Outcome) {
        self.outcome = outcome;
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if let Some(row) = &self.row {
            row.add(self.worker, self.outcome, self.latency.unwrap_or_else(|| self.started.elapsed()));
        }
        self.endpoint.leave();
    }
}
