//! Counts of one route.

use std::sync::Arc;

use tidegate_core::model::{Answers, BodyBytes, RouteCounts};

use super::counter::Counter;
use super::lanes::Lanes;

/// The lane of one worker, on cache lines of its own.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(crate) struct RouteLane {
    /// By the hundreds of the status; 0: no answer.
    classes: [Counter; 6],
    received: Counter,
    sent: Counter,
}

impl RouteLane {
    /// Counts a request that is over. For its owner.
    pub(super) fn add(&self, status: u16, received: u64, sent: u64) {
        let class = usize::from(status / 100).min(5);
        self.classes[class].add(1);
        self.received.add(received);
        self.sent.add(sent);
    }
}

/// Cumulative counts, through every table that has the route.
#[derive(Debug)]
pub(crate) struct RouteRow {
    /// As the table has it.
    pub(crate) host: Box<str>,
    /// As the table has it.
    pub(crate) path: Box<str>,
    /// Where it leads.
    pub(crate) upstream: Box<str>,
    lanes: Lanes<RouteLane>,
}

impl RouteRow {
    pub(crate) fn new((host, path, upstream): (&str, &str, &str), workers: usize) -> Self {
        let (host, path, upstream) = (host.into(), path.into(), upstream.into());
        RouteRow { host, path, upstream, lanes: Lanes::new(workers) }
    }

    /// What a worker counts its requests on. Cloning it touches nothing that another worker uses.
    pub(crate) fn lane(&self, worker: usize) -> &Arc<RouteLane> {
        self.lanes.of(worker)
    }

    /// What the report says of it.
    pub(crate) fn counts(&self) -> RouteCounts {
        RouteCounts {
            host: self.host.to_string(),
            path: self.path.to_string(),
            upstream: self.upstream.to_string(),
            answers: self.answers(),
            bytes: self.bytes(),
        }
    }

    /// Requests by the class of their answer, over all workers.
    pub(crate) fn answers(&self) -> Answers {
        let sum = |class: usize| self.lanes.sum(|lane| lane.classes[class].get());
        Answers {
            informational: sum(1),
            success: sum(2),
            redirect: sum(3),
            client_error: sum(4),
            server_error: sum(5),
            unanswered: sum(0),
        }
    }

    fn bytes(&self) -> BodyBytes {
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
    fn every_status_has_a_class() {
        let row = RouteRow::new(("*", "/", "app/dev/web"), 2);
        for status in [0, 101, 200, 204, 302, 404, 500, 599, 999] {
            row.lane(usize::from(status % 2)).add(status, 1, 2);
        }
        let wanted = Answers {
            informational: 1,
            success: 2,
            redirect: 1,
            client_error: 1,
            server_error: 3,
            unanswered: 1,
        };
        assert_eq!(row.answers(), wanted);
        assert_eq!(row.bytes(), BodyBytes { received: 9, sent: 18 });
    }
}
