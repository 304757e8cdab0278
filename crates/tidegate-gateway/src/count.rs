//! Counts of one instance in one arm. Each worker writes a lane of its own; only the report reads them all.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tidegate_core::model::{LATENCY_BOUNDS_MS, Outcomes};

const KINDS: usize = 6;
const BUCKETS: usize = LATENCY_BOUNDS_MS.len() + 1;

/// How the first attempt of a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Good,
    ClientError,
    ServerError,
    Reset,
    Timeout,
    Cancelled,
}

impl Outcome {
    /// What a status says once the answer was complete.
    pub(crate) fn of_status(status: u16) -> Self {
        match status {
            500.. => Outcome::ServerError,
            400..=499 => Outcome::ClientError,
            _ => Outcome::Good,
        }
    }
}

/// The lane of one worker, on cache lines of its own: counting never waits for another core.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Lane {
    outcomes: [AtomicU64; KINDS],
    latency: [AtomicU64; BUCKETS],
}

/// Cumulative counts.
#[derive(Debug)]
pub(crate) struct Row {
    lanes: Box<[Lane]>,
}

impl Row {
    pub(crate) fn new(workers: usize) -> Self {
        Row { lanes: (0..workers).map(|_| Lane::default()).collect() }
    }

    /// Counts one request. A cancelled one has no latency worth keeping.
    pub(crate) fn add(&self, worker: usize, outcome: Outcome, latency: Duration) {
        let lane = &self.lanes[worker];
        lane.outcomes[outcome as usize].fetch_add(1, Ordering::Relaxed);
        if outcome != Outcome::Cancelled {
            lane.latency[bucket(latency)].fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Requests by outcome, over all workers.
    pub(crate) fn outcomes(&self) -> Outcomes {
        let sum = |kind: Outcome| -> u64 {
            self.lanes.iter().map(|lane| lane.outcomes[kind as usize].load(Ordering::Relaxed)).sum()
        };
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
    pub(crate) fn latency(&self) -> Vec<u64> {
        let of = |bucket: usize| -> u64 {
            self.lanes.iter().map(|lane| lane.latency[bucket].load(Ordering::Relaxed)).sum()
        };
        (0..BUCKETS).map(of).collect()
    }
}

/// The bucket whose bound is the first not below the latency.
fn bucket(latency: Duration) -> usize {
    LATENCY_BOUNDS_MS.partition_point(|bound| Duration::from_millis(u64::from(*bound)) < latency)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_latency_falls_in_the_bucket_it_does_not_exceed() {
        assert_eq!(bucket(Duration::ZERO), 0);
        assert_eq!(bucket(Duration::from_millis(1)), 0);
        assert_eq!(bucket(Duration::from_micros(1_001)), 1);
        assert_eq!(bucket(Duration::from_secs(30)), LATENCY_BOUNDS_MS.len() - 1);
        assert_eq!(bucket(Duration::from_secs(31)), LATENCY_BOUNDS_MS.len());
    }

    #[test]
    fn lanes_add_up_and_a_cancelled_request_has_no_latency() {
        let row = Row::new(2);
        row.add(0, Outcome::Good, Duration::from_millis(3));
        row.add(1, Outcome::of_status(404), Duration::from_millis(3));
        row.add(1, Outcome::Cancelled, Duration::from_millis(3));
        assert_eq!(
            row.outcomes(),
            Outcomes { good: 1, client_error: 1, cancelled: 1, ..Outcomes::default() }
        );
        assert_eq!(row.latency().iter().sum::<u64>(), 2);
        assert_eq!(row.latency()[2], 2);
    }
}
