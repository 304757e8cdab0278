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
    row: Arc<Row>,
    counted: bool,
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
            row: place.row.clone(),
            counted: true,
            worker,
            started: Instant::now(),
            latency: None,
            outcome: Outcome::Cancelled,
        }
    }

    /// This is not the request's first attempt: it counts nowhere.
    pub(crate) fn uncounted(mut self) -> Self {
        self.counted = false;
        self
    }

    /// The counts of the instance in its arm.
    pub(crate) fn row(&self) -> &Arc<Row> {
        &self.row
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
        if self.counted {
            let latency = self.latency.unwrap_or_else(|| self.started.elapsed());
            self.row.add(self.worker, self.outcome, latency);
        }
        self.endpoint.leave();
    }
}
