//! One request that an arm's files answer, counted as it ends. Dropping it counts it as cancelled.

use std::sync::Arc;
use std::time::{Duration, Instant};

use http::Response;

use super::Site;
use crate::badge::Badge;
use crate::count::{Outcome, Row};
use crate::front::Part;
use crate::route::Arm;

/// See the module.
#[derive(Debug)]
pub(crate) struct Visit {
    /// What answers may name.
    pub(crate) badge: Arc<Badge>,
    site: Arc<Site>,
    row: Arc<Row>,
    worker: usize,
    started: Instant,
    latency: Option<Duration>,
    status: u16,
    outcome: Outcome,
}

impl Visit {
    /// A request was assigned to the arm of this site.
    pub(crate) fn begin(worker: usize, arm: &Arm, site: &Arc<Site>) -> Self {
        Visit {
            badge: arm.badge.clone(),
            site: site.clone(),
            row: arm.bare.clone(),
            worker,
            started: Instant::now(),
            latency: None,
            status: 0,
            outcome: Outcome::Cancelled,
        }
    }

    /// What counts its bytes.
    pub(crate) fn row(&self) -> &Arc<Row> {
        &self.row
    }

    pub(super) fn site(&self) -> &Arc<Site> {
        &self.site
    }

    /// The head of the answer is made.
    pub(super) fn on_head(&mut self, status: u16) {
        self.latency = Some(self.started.elapsed());
        self.status = status;
    }

    /// The client was given all of it.
    pub(super) fn end(mut self) {
        self.outcome = Outcome::of_status(self.status);
    }

    /// Answered in one piece.
    pub(super) fn over(mut self, response: Response<Part>) -> Response<Part> {
        self.on_head(response.status().as_u16());
        self.end();
        response
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        let latency = self.latency.unwrap_or_else(|| self.started.elapsed());
        self.row.add(self.worker, self.outcome, latency);
    }
}
