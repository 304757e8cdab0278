//! A request's place on an endpoint: in flight from the pick until the answer is complete, then counted. Dropping it at
//! any point does both, so nothing that goes wrong can leave an endpoint busy for ever.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::badge::Badge;
use crate::balance::{Ask, Terms};
use crate::count::{Outcome, Row};
use crate::endpoint::Endpoint;
use crate::flags::Drawn;
use crate::front::Claim;
use crate::route::{Arm, Place};

/// One attempt of one request.
#[derive(Debug)]
pub(crate) struct Ticket {
    pub(crate) endpoint: Arc<Endpoint>,
    /// Of its arm.
    pub(crate) badge: Arc<Badge>,
    row: Arc<Row>,
    /// When the whole request must be over.
    pub(crate) until: Option<Instant>,
    /// What its pick depended on.
    pub(crate) ask: Ask,
    started: Instant,
    latency: Option<Duration>,
    worker: u32,
    status: u16,
    outcome: Outcome,
    counted: bool,
    /// What the request was given of watched flags.
    flags: Option<Box<Drawn>>,
    /// Its end decides whether the arm's circuit closes.
    trial: bool,
    /// What it has of the process's descriptors besides its client's seat.
    pub(crate) claim: Option<Claim>,
}

impl Ticket {
    /// Takes a place that was entered. Must run in the same poll as the pick, before the worker can swap its table: after
    /// the swap is acknowledged the count of an endpoint that left only falls. `at` is when the request came.
    pub(crate) fn take(
        worker: usize,
        (arm, place): (&Arm, &Place),
        ask: Ask,
        at: Instant,
        until: Option<Instant>,
    ) -> Self {
        if let Some(guard) = &arm.badge.guard {
            guard.on_enter();
        }
        Ticket {
            endpoint: place.endpoint.clone(),
            badge: arm.badge.clone(),
            row: place.row.clone(),
            until,
            ask,
            started: at,
            latency: None,
            worker: worker as u32,
            status: 0,
            outcome: Outcome::Cancelled,
            counted: true,
            flags: None,
            trial: false,
            claim: None,
        }
    }

    /// Its end decides whether the arm's circuit closes.
    pub(crate) fn on_trial(mut self) -> Self {
        self.trial = true;
        self
    }

    /// This is not the request's first attempt: it counts nowhere.
    pub(crate) fn uncounted(mut self) -> Self {
        self.counted = false;
        self
    }

    /// With what the request was given of watched flags: counted as this attempt ends.
    pub(crate) fn given(mut self, flags: Option<Box<Drawn>>) -> Self {
        self.flags = flags;
        self
    }

    /// How long its upstream is waited for.
    pub(crate) fn terms(&self) -> &Terms {
        &self.badge.terms
    }

    /// The counts of the instance in its arm.
    pub(crate) fn row(&self) -> &Arc<Row> {
        &self.row
    }

    /// The end of a wait, but not after the request's own.
    pub(crate) fn by(&self, end: Instant) -> Instant {
        self.until.map_or(end, |until| until.min(end))
    }

    /// The same for a wait that begins now.
    pub(crate) fn within(&self, wait: Duration) -> Duration {
        self.until.map_or(wait, |until| wait.min(until.saturating_duration_since(Instant::now())))
    }

    /// When the place was taken.
    pub(crate) fn started(&self) -> Instant {
        self.started
    }

    /// When the head of the answer was here; before that, when the place was taken.
    pub(crate) fn answered(&self) -> Instant {
        self.started + self.latency.unwrap_or_default()
    }

    /// As [`Ticket::end`], with the place kept until it is dropped.
    pub(crate) fn finish(&mut self, outcome: Outcome) {
        self.outcome = outcome;
    }

    /// The head of the answer is here.
    pub(crate) fn on_answer(&mut self) {
        self.latency = Some(self.started.elapsed());
    }

    /// The instance answers with this status.
    pub(crate) fn on_status(&mut self, status: u16) {
        self.status = status;
    }

    /// What its status says.
    pub(crate) fn said(&self) -> Outcome {
        Outcome::of_status(self.status)
    }

    /// Keeps the request to be found in logs, by its id and path, where its end is one that counts against the instance.
    pub(crate) fn sample(&self, outcome: Outcome, see: impl FnOnce(&mut dyn FnMut(&[u8], &str))) {
        if self.counted && outcome.is_bad() {
            see(&mut |id, path| self.row.sample(id, path, self.status));
        }
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
            self.row.add(self.worker as usize, self.outcome, latency);
            if let Some(flags) = &self.flags {
                flags.on_end(self.worker as usize, &self.badge.revision, self.outcome, latency);
            }
        }
        self.endpoint.leave();
        if let Some(guard) = &self.badge.guard {
            let latency = self.latency.unwrap_or_else(|| self.started.elapsed());
            guard.on_end(&self.endpoint, self.outcome, latency, self.trial);
            guard.on_leave(&self.endpoint);
        }
    }
}
