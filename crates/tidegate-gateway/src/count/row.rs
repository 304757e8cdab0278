//! Counts of one instance in one arm.

use std::time::Duration;

use tidegate_core::model::{BadRequest, BodyBytes, Bucket, Histogram, Outcomes};

use super::Outcome;
use super::counter::Counter;
use super::lanes::Lanes;
use super::samples::Samples;
use super::spread::Spread;

/// The lane of one worker, on cache lines of its own.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Lane {
    outcomes: [Counter; Outcome::COUNT],
    received: Counter,
    sent: Counter,
    latencies: Spread,
}

/// Cumulative counts.
#[derive(Debug)]
pub(crate) struct Row {
    lanes: Lanes<Lane>,
    samples: Samples,
}

impl Row {
    pub(crate) fn new(workers: usize) -> Self {
        Row { lanes: Lanes::new(workers), samples: Samples::default() }
    }

    /// Counts one request. A cancelled one has no latency worth keeping. Only `worker` itself may call it.
    pub(crate) fn add(&self, worker: usize, outcome: Outcome, latency: Duration) {
        let lane = self.lanes.of(worker);
        lane.outcomes[outcome as usize].add(1);
        if outcome != Outcome::Cancelled {
            lane.latencies.add(latency);
        }
    }

    /// Counts bytes of bodies, whichever attempt moved them. Only `worker` itself may call it.
    pub(crate) fn add_bytes(&self, worker: usize, received: u64, sent: u64) {
        let lane = self.lanes.of(worker);
        lane.received.add(received);
        lane.sent.add(sent);
    }

    /// Keeps one of its bad requests.
    pub(crate) fn sample(&self, id: &[u8], path: &str, status: u16) {
        self.samples.add(id, path, status);
    }

    /// Its newest bad requests, a few.
    pub(crate) fn samples(&self) -> Vec<BadRequest> {
        self.samples.all()
    }

    /// Requests by outcome, over all workers.
    pub(crate) fn outcomes(&self) -> Outcomes {
        let sum = |kind: Outcome| self.lanes.sum(|lane| lane.outcomes[kind as usize].get());
        Outcomes {
            good: sum(Outcome::Good),
            client_error: sum(Outcome::ClientError),
            server_error: sum(Outcome::ServerError),
            reset: sum(Outcome::Reset),
            timeout: sum(Outcome::Timeout),
            cancelled: sum(Outcome::Cancelled),
        }
    }

    /// Requests by latency, over all workers.
    pub(crate) fn latencies(&self) -> Histogram {
        let used = |octave: &usize| self.lanes.iter().any(|lane| lane.latencies.has(*octave));
        let buckets = |octave| (0..Bucket::STEPS).filter_map(move |step| Bucket::at(octave, step));
        let count = |bucket| (bucket, self.lanes.sum(|lane| lane.latencies.count(bucket)));
        let counts = (0..Bucket::OCTAVES).filter(used).flat_map(buckets).map(count);
        Histogram::new(self.lanes.sum(|lane| lane.latencies.sum_ns()), counts)
    }

    /// Bytes of bodies, over all workers.
    pub(crate) fn bytes(&self) -> BodyBytes {
        BodyBytes {
            received: self.lanes.sum(|lane| lane.received.get()),
            sent: self.lanes.sum(|lane| lane.sent.get()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lanes_add_up_and_a_cancelled_request_has_no_latency() {
        let row = Row::new(2);
        row.add(0, Outcome::Good, Duration::from_millis(3));
        row.add(1, Outcome::of_status(404), Duration::from_millis(3));
        row.add(1, Outcome::Cancelled, Duration::from_millis(3));
        row.add_bytes(0, 1, 10);
        row.add_bytes(1, 2, 20);
        assert_eq!(
            row.outcomes(),
            Outcomes { good: 1, client_error: 1, cancelled: 1, ..Outcomes::default() }
        );
        assert_eq!(row.bytes(), BodyBytes { received: 3, sent: 30 });
        let mut wanted = Histogram::default();
        wanted.add_ns(3_000_000);
        wanted.add_ns(3_000_000);
        assert_eq!(row.latencies(), wanted);
    }

    #[test]
    fn the_report_has_every_latency() {
        let row = Row::new(3);
        let mut wanted = Histogram::default();
        for power in 0..45_u32 {
            let ns = 1_u64 << power;
            row.add(power as usize % 3, Outcome::Good, Duration::from_nanos(ns));
            wanted.add_ns(ns);
        }
        assert_eq!(row.latencies(), wanted);
    }

    #[test]
    fn a_row_nobody_used_has_no_lane() {
        let row = Row::new(64);
        row.add(7, Outcome::Good, Duration::from_millis(1));
        assert_eq!(row.lanes.iter().count(), 1);
    }
}
