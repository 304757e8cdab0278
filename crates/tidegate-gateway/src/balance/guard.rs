//! What an arm's policy asks of each of its requests besides a place: outliers, circuit, limit, queue. An arm whose policy
//! asks for nothing has none.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tidegate_core::balance::{Change, Pass, Verdict};
use tidegate_core::model::{Balance, Breaker, Concurrency, Outliers, TrafficPolicy};

use super::{ArmState, Shared, Waiter, micros};
use crate::count::Outcome;
use crate::endpoint::Endpoint;
use crate::route::Place;

/// A failure weighs on the latency as much as an answer that took so long: a broken endpoint is quick to say so.
const FAILED_US: u64 = 1_000_000;

/// See the module.
#[derive(Debug)]
pub(crate) struct Guard {
    /// For the log.
    arm: String,
    outliers: Option<Outliers>,
    breaker: Option<Breaker>,
    concurrency: Option<Concurrency>,
    latency: bool,
    endpoints: Vec<Arc<Endpoint>>,
    state: Arc<ArmState>,
    shared: Arc<Shared>,
}

/// What the circuit says to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Entrance {
    /// It may go.
    Open,
    /// It may go, and its ticket is on trial.
    Trial,
    /// It may not, for so many seconds.
    Closed(u32),
}

impl Guard {
    /// For an arm with these places; `None` where there is nothing to look after.
    pub(crate) fn new(
        arm: String,
        policy: &TrafficPolicy,
        places: &[Place],
        state: &Arc<ArmState>,
        shared: &Arc<Shared>,
    ) -> Option<Arc<Self>> {
        let counts = policy.zone_aware || matches!(policy.balance, Balance::Hash(_));
        let latency = policy.balance == Balance::PeakEwma;
        let none = policy.outliers.is_none() && policy.breaker.is_none() && policy.concurrency.is_none();
        if none && !counts && !latency {
            return None;
        }
        Some(Arc::new(Guard {
            arm,
            outliers: policy.outliers,
            breaker: policy.breaker,
            concurrency: policy.concurrency,
            latency,
            endpoints: places.iter().map(|place| place.endpoint.clone()).collect(),
            state: state.clone(),
            shared: shared.clone(),
        }))
    }

    /// Whether the circuit lets a request in.
    pub(crate) fn enter(&self, now: u64) -> Entrance {
        let Some(rules) = self.breaker.filter(|_| self.state.is_broken()) else { return Entrance::Open };
        match self.state.circuit(|circuit| circuit.pass(now, &rules)) {
            Pass::Go => Entrance::Open,
            Pass::Trial => Entrance::Trial,
            Pass::Refused(wait) => Entrance::Closed(seconds(Duration::from_micros(wait))),
        }
    }

    /// Whether the circuit is open, or half open; `None`: there is none.
    pub(crate) fn circuit_open(&self) -> Option<bool> {
        self.breaker.map(|_| self.state.is_broken())
    }

    /// Most requests at once on one endpoint.
    pub(crate) fn limit(&self) -> u32 {
        self.concurrency.map_or(u32::MAX, |concurrency| concurrency.per_instance)
    }

    /// Whether a request that comes now has to stand in line behind others.
    pub(crate) fn has_line(&self) -> bool {
        self.concurrency.is_some() && self.state.has_line()
    }

    /// Stands in line; `None` where it is full.
    pub(crate) fn join(&self, at: Instant) -> Option<Waiter> {
        let concurrency = self.concurrency?;
        let deadline = at + concurrency.queue_timeout.to_std();
        let waiter = self.state.join(&self.shared, concurrency.queue, deadline)?;
        self.call();
        Some(waiter)
    }

    /// Gives every free place to those who wait.
    pub(crate) fn call(&self) {
        for endpoint in &self.endpoints {
            self.state.call(endpoint, self.limit());
        }
    }

    /// After how many seconds a refused client may try again.
    pub(crate) fn retry_after(&self) -> u32 {
        self.concurrency.map_or(1, |concurrency| seconds(concurrency.queue_timeout.to_std()))
    }

    /// A request has its place.
    pub(crate) fn on_enter(&self) {
        self.state.enter();
    }

    /// A request's place is free again; the endpoint has been told.
    pub(crate) fn on_leave(&self, endpoint: &Arc<Endpoint>) {
        self.state.leave();
        self.state.call(endpoint, self.limit());
    }

    /// A request on trial came to nothing.
    pub(crate) fn on_lost_trial(&self) {
        self.on_trial(None, micros(Instant::now()));
    }

    /// How an attempt ended.
    pub(crate) fn on_end(&self, endpoint: &Arc<Endpoint>, outcome: Outcome, latency: Duration, trial: bool) {
        let failed = match outcome {
            Outcome::Good | Outcome::ClientError => Some(false),
            Outcome::ServerError | Outcome::Reset | Outcome::Timeout => Some(true),
            Outcome::Cancelled => None,
        };
        let now = micros(Instant::now());
        if trial {
            self.on_trial(failed, now);
        }
        let Some(failed) = failed else { return };
        if !trial {
            self.on_circuit(failed, now);
        }
        if self.latency {
            let latency = latency.as_micros() as u64;
            endpoint.health.on_latency(now, if failed { latency.max(FAILED_US) } else { latency });
        }
        self.on_outcome(endpoint, failed, now);
    }

    fn on_trial(&self, failed: Option<bool>, now: u64) {
        let Some(rules) = self.breaker else { return };
        let change = self.state.circuit(|circuit| circuit.on_trial(failed, now, &rules));
        self.tell(change);
    }

    fn on_circuit(&self, failed: bool, now: u64) {
        let Some(rules) = self.breaker else { return };
        let change = self.state.circuit(|circuit| circuit.on_end(failed, now, &rules));
        self.tell(change);
    }

    fn tell(&self, change: Option<Change>) {
        match change {
            Some(Change::Opened) => tracing::warn!(arm = %self.arm, "circuit opened"),
            Some(Change::Closed) => tracing::info!(arm = %self.arm, "circuit closed"),
            None => {}
        }
    }

    fn on_outcome(&self, endpoint: &Arc<Endpoint>, failed: bool, now: u64) {
        let Some(rules) = &self.outliers else { return };
        if !failed {
            endpoint.health.on_good();
        } else if endpoint.health.on_bad() >= rules.consecutive && !endpoint.is_gone() {
            self.on_streak(endpoint, rules, now);
        }
    }

    fn on_streak(&self, endpoint: &Arc<Endpoint>, rules: &Outliers, now: u64) {
        let mut ward = self.state.ward();
        // Several of its requests may end at once: one ejection is enough.
        if !endpoint.health.is_up(now) {
            return;
        }
        let verdict = ward.on_streak(endpoint.uid, self.endpoints.len(), rules, now);
        match verdict {
            Verdict::Ejected { until, times } => {
                endpoint.health.set_out(until);
                endpoint.health.on_good();
                let eject_ms = (until - now) / 1_000;
                tracing::warn!(arm = %self.arm, instance = %endpoint.id, eject_ms, times, "endpoint ejected");
            }
            Verdict::Spared => {}
            Verdict::Panic { back } => {
                self.endpoints
                    .iter()
                    .filter(|other| back.contains(&other.uid))
                    .for_each(|other| other.health.set_out(0));
                tracing::warn!(arm = %self.arm, "every endpoint fails: none is left out");
            }
        }
    }
}

/// As a client is told: whole seconds, at least one.
fn seconds(wait: Duration) -> u32 {
    let whole = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    u32::try_from(whole).unwrap_or(u32::MAX).max(1)
}
