//! The running account of a run: every request made is in it once.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use crate::histogram::Histogram;
use crate::outcome::{Failure, Outcome};
use crate::request::Request;
use crate::seen::Acknowledged;

const FAILURES_KEPT: usize = 20;
const REVISIONS_KEPT: usize = 64;

/// The account.
#[derive(Debug, Default)]
pub struct Tally {
    /// Requests given out.
    pub sent: u64,
    /// Requests answered well.
    pub ok: u64,
    /// Requests that failed.
    pub failed: u64,
    /// Failures by kind.
    pub failures: BTreeMap<&'static str, u64>,
    /// Answers by class of status, `2xx` to `5xx`.
    pub statuses: BTreeMap<String, u64>,
    /// `GET`s sent once more after a stale connection.
    pub retried: u64,
    /// Answers by revision.
    pub revisions: BTreeMap<String, RevisionTally>,
    /// The first failures.
    pub first_failures: Vec<FailureNote>,
    /// Latencies from the intended start, failures included.
    pub latency: Histogram,
    /// Which attempts were answered well, where that is asked for.
    pub acknowledged: Option<Acknowledged>,
    /// Since the last progress line.
    pub recent: Recent,
}

/// Answers of one revision.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RevisionTally {
    /// Answered well.
    pub ok: u64,
    /// Answered badly.
    pub failed: u64,
    /// First answer, in milliseconds since the run began.
    pub first_ms: u64,
    /// Last answer, in milliseconds since the run began.
    pub last_ms: u64,
}

/// One failure.
#[derive(Clone, Debug, Serialize)]
pub struct FailureNote {
    /// When it ended, in milliseconds since the run began.
    pub at_ms: u64,
    /// Milliseconds since its intended start.
    pub after_ms: u64,
    /// The request's number.
    pub request: u64,
    /// Kind of request and of connection.
    pub kind: String,
    /// What failed.
    pub reason: String,
    /// Who answered, where somebody did.
    pub revision: Option<String>,
}

/// What happened since the last progress line.
#[derive(Debug, Default)]
pub struct Recent {
    /// Requests given out.
    pub sent: u64,
    /// Answered well.
    pub ok: u64,
    /// Failed.
    pub failed: u64,
    /// Answers by revision.
    pub revisions: BTreeMap<String, u64>,
    /// Latencies.
    pub latency: Histogram,
}

impl Recent {
    /// Begins the next second.
    pub fn clear(&mut self) {
        (self.sent, self.ok, self.failed) = (0, 0, 0);
        self.revisions.clear();
        self.latency.clear();
    }
}

impl Tally {
    /// Notes that a request was given out.
    pub fn on_sent(&mut self) {
        self.sent += 1;
        self.recent.sent += 1;
    }

    /// Notes what became of it, `at` after the run's begin and `latency` after its intended start.
    pub fn on_outcome(&mut self, request: &Request, outcome: Outcome, at: Duration, latency: Duration) {
        self.latency.record(latency);
        self.recent.latency.record(latency);
        self.retried += u64::from(outcome.retried);
        if let Ok(status) | Err(Failure::Status(status)) = outcome.result {
            *self.statuses.entry(format!("{}xx", status / 100)).or_default() += 1;
        }
        self.on_revision(&outcome, at);
        match outcome.result {
            Ok(_) => self.on_ok(request, outcome.attempt),
            Err(failure) => self.on_failure(request, failure, outcome.revision, at, latency),
        }
    }

    fn on_ok(&mut self, request: &Request, attempt: u8) {
        self.ok += 1;
        self.recent.ok += 1;
        if let Some(acknowledged) = &mut self.acknowledged {
            acknowledged.note(request.sequence, attempt);
        }
    }

    fn on_failure(
        &mut self,
        request: &Request,
        failure: Failure,
        revision: Option<String>,
        at: Duration,
        latency: Duration,
    ) {
        self.failed += 1;
        self.recent.failed += 1;
        *self.failures.entry(failure.name()).or_default() += 1;
        if self.first_failures.len() < FAILURES_KEPT {
            self.first_failures.push(FailureNote {
                at_ms: millis(at),
                after_ms: millis(latency),
                request: request.sequence,
                kind: format!("{:?}{}", request.kind, if request.fresh { ", fresh" } else { "" }),
                reason: failure.to_string(),
                revision,
            });
        }
    }

    fn on_revision(&mut self, outcome: &Outcome, at: Duration) {
        let Some(name) = &outcome.revision else { return };
        let full = self.revisions.len() >= REVISIONS_KEPT && !self.revisions.contains_key(name);
        let name = if full { "other" } else { name.as_str() };
        *self.recent.revisions.entry(name.to_owned()).or_default() += 1;
        let at_ms = millis(at);
        let entry = self.revisions.entry(name.to_owned());
        let row = entry.or_insert_with(|| RevisionTally { first_ms: at_ms, ..RevisionTally::default() });
        row.last_ms = at_ms;
        if outcome.result.is_ok() { row.ok += 1 } else { row.failed += 1 }
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
