//! From a load to a number of instances: each target asks for its own, the largest is taken.

use super::measured::Load;
use crate::model::Autoscale;

/// Differences smaller than this part are none.
const TOLERANCE: f64 = 0.1;
/// Most that a slow answer asks for at once, as a multiple of what runs.
const MOST_BY_LATENCY: f64 = 2.0;
/// Answers this much faster than wanted, as a part of it, can do with one instance less.
const FAST: f64 = 0.5;

/// What a load asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Need {
    /// So many instances.
    pub(super) instances: u32,
    /// Whether everything could be measured. Where not, it is a reason for more and never for fewer.
    pub(super) certain: bool,
    /// By which target, in words.
    pub(super) why: String,
}

/// What this load asks for where `now` instances are wanted so far. `queue`: the queue's length, where this arm is to work it
/// off.
pub(super) fn need(policy: &Autoscale, load: &Load, queue: Option<Option<u64>>, now: u32) -> Need {
    let mut asked = Asked { now, need: Need { instances: 0, certain: true, why: String::new() } };
    if let Some(target) = policy.rps {
        asked.per_instance(load.rate, target, |rate| {
            format!("{} requests/s, {target} per instance wanted", rate.round())
        });
    }
    if let Some(target) = policy.concurrency {
        asked.per_instance(load.inflight, target, |inflight| {
            format!("{} requests in flight, {target} per instance wanted", inflight.round())
        });
    }
    if let Some(target) = policy.cpu {
        asked.per_instance(load.cpu, target, |cpu| {
            format!("CPU use of {}%, {target}% per instance wanted", cpu.round())
        });
    }
    if let (Some(queue), Some(length)) = (&policy.queue, queue) {
        asked.per_instance(length.map(|length| length as f64), queue.target, |length| {
            format!("a queue of {length}, {} per instance wanted", queue.target)
        });
    }
    if let Some(target) = policy.p95 {
        asked.by_latency(load, target.0 as f64);
    }
    asked.need
}

struct Asked {
    now: u32,
    need: Need,
}

impl Asked {
    fn per_instance(&mut self, load: Option<f64>, target: u32, why: impl Fn(f64) -> String) {
        let Some(load) = load else { return self.need.certain = false };
        let exact = load / f64::from(target.max(1));
        let now = f64::from(self.now);
        let near = self.now > 0 && (exact / now - 1.0).abs() <= TOLERANCE;
        // Less than a millionth of an instance is no instance.
        let instances = if near { self.now } else { (exact - 1e-6).ceil().clamp(0.0, 1e6) as u32 };
        self.ask(instances, why(load));
    }

    /// A slow answer asks for more; a fast one alone for one less, for what is fast with many may be slow with few.
    fn by_latency(&mut self, load: &Load, target: f64) {
        let Some(rate) = load.rate else { return self.need.certain = false };
        let Some(p95) = load.p95 else {
            // Too few requests to be slow for want of instances.
            return self.ask(if rate > 0.0 { self.now } else { 0 }, format!("{} requests/s", rate.round()));
        };
        let ratio = p95 / target.max(1.0);
        let instances = if ratio > 1.0 + TOLERANCE {
            // Those that still start are not asked for twice.
            let base = f64::from(self.now.min(load.ready));
            self.now.max((base * ratio.min(MOST_BY_LATENCY)).ceil() as u32)
        } else if ratio < FAST {
            self.now.saturating_sub(1)
        } else {
            self.now
        };
        self.ask(instances, format!("p95 of {} ms, {target} ms wanted", p95.round()));
    }

    fn ask(&mut self, instances: u32, why: String) {
        if instances > self.need.instances || self.need.why.is_empty() {
            (self.need.instances, self.need.why) = (instances, why);
        }
    }
}
