//! The latencies one worker measured: a histogram that can be raised without a lock. Latencies of an instance lie
//! close together, so the counters of a power of two are made when the first falls in it.

use std::sync::OnceLock;
use std::time::Duration;

use tidegate_core::model::Bucket;

use super::counter::Counter;

type Octave = [Counter; Bucket::STEPS];

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Spread {
    sum_ns: Counter,
    octaves: [OnceLock<Box<Octave>>; Bucket::OCTAVES],
}

impl Spread {
    /// For its owner.
    pub(super) fn add(&self, latency: Duration) {
        let ns =
            latency.as_secs().saturating_mul(1_000_000_000).saturating_add(latency.subsec_nanos().into());
        let bucket = Bucket::of_ns(ns);
        self.sum_ns.add(ns);
        self.octaves[bucket.octave()].get_or_init(Box::default)[bucket.step()].add(1);
    }

    pub(super) fn sum_ns(&self) -> u64 {
        self.sum_ns.get()
    }

    pub(super) fn count(&self, bucket: Bucket) -> u64 {
        self.octaves[bucket.octave()].get().map_or(0, |octave| octave[bucket.step()].get())
    }

    /// Whether a power of two has counters at all.
    pub(super) fn has(&self, octave: usize) -> bool {
        self.octaves[octave].get().is_some()
    }
}
