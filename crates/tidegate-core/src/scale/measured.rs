//! What was measured of a service over the last seconds. What could not be measured is `None`, never 0.

/// The load of one arm.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Load {
    /// Its instances that take requests.
    pub ready: u32,
    /// Requests a second.
    pub rate: Option<f64>,
    /// Requests in flight.
    pub inflight: Option<f64>,
    /// CPU time of its instances together, in percent of what one of them may use.
    pub cpu: Option<f64>,
    /// What 95 of 100 requests did not take longer than, in milliseconds; `None` also where there were too few.
    pub p95: Option<f64>,
}

/// The load of a service.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Measured {
    /// Of the stable revision, and of others that still help it out.
    pub stable: Load,
    /// Of the candidate.
    pub candidate: Load,
    /// Length of its queue.
    pub queue: Option<u64>,
    /// Requests the gateway holds because nothing runs.
    pub waiting: u32,
}

/// An arm with less than this part of the requests says nothing of what all of them would ask of it.
const TELLING: f64 = 0.1;

impl Load {
    /// Of an arm without instances.
    pub const NONE: Load = Load { ready: 0, rate: Some(0.0), inflight: Some(0.0), cpu: Some(0.0), p95: None };
}

impl Measured {
    /// Requests a second of the whole service.
    pub fn rate(&self) -> Option<f64> {
        Some(self.stable.rate? + self.candidate.rate?)
    }

    /// Whether it is sure that there is nothing to do. `queue`: whether there is one to be looked at.
    pub(super) fn is_quiet(&self, queue: bool) -> Option<bool> {
        if self.waiting > 0 {
            return Some(false);
        }
        let inflight = self.stable.inflight? + self.candidate.inflight?;
        let queued = if queue { self.queue? } else { 0 };
        Some(self.rate()? == 0.0 && inflight == 0.0 && queued == 0)
    }

    /// What all of the requests would ask of stable; the flag says whether that is sure enough to have less for it.
    pub(super) fn whole_of_stable(&self) -> (Load, bool) {
        match self.share(self.stable, 1.0) {
            Some(share) if share >= TELLING => (self.whole(self.stable, share), true),
            // Hardly any: what both use is the best that is known.
            _ => (self.together(), false),
        }
    }

    /// The same of the candidate. With hardly any requests it is taken to be like stable.
    pub(super) fn whole_of_candidate(&self) -> (Load, bool) {
        match self.share(self.candidate, 0.0) {
            Some(share) if share >= TELLING => (self.whole(self.candidate, share), true),
            _ => self.whole_of_stable(),
        }
    }

    /// An arm's part of the requests, where there are any.
    fn share(&self, arm: Load, without: f64) -> Option<f64> {
        let all = self.rate()?;
        Some(if all > 0.0 { arm.rate? / all } else { without })
    }

    fn whole(&self, arm: Load, share: f64) -> Load {
        let all = |own: Option<f64>| own.map(|own| own / share);
        Load { rate: self.rate(), inflight: all(arm.inflight), cpu: all(arm.cpu), ..arm }
    }

    fn together(&self) -> Load {
        let (one, other) = (self.stable, self.candidate);
        let sum = |one: Option<f64>, other: Option<f64>| Some(one? + other?);
        Load {
            ready: one.ready + other.ready,
            rate: self.rate(),
            inflight: sum(one.inflight, other.inflight),
            cpu: sum(one.cpu, other.cpu),
            p95: None,
        }
    }
}
