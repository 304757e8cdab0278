//! Counts of one route.

use std::sync::Arc;

use tidegate_core::model::{Answers, ArmAnswers, ArmRole, BodyBytes, RouteCounts};

use super::counter::Counter;
use super::lanes::Lanes;

/// The lane of one worker, on cache lines of its own.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(crate) struct RouteLane {
    /// By arm; the last ones are of none.
    arms: [Classes; 3],
    received: Counter,
    sent: Counter,
}

/// By the hundreds of the status; 0: no answer.
type Classes = [Counter; 6];

const fn place(arm: Option<ArmRole>) -> usize {
    match arm {
        Some(ArmRole::Stable) => 0,
        Some(ArmRole::Candidate) => 1,
        None => 2,
    }
}

impl RouteLane {
    /// Counts a request that is over. For its owner.
    pub(super) fn add(&self, arm: Option<ArmRole>, status: u16, received: u64, sent: u64) {
        let class = usize::from(status / 100).min(5);
        self.arms[place(arm)][class].add(1);
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
        let arms = [ArmRole::Stable, ArmRole::Candidate]
            .map(|role| ArmAnswers { role, answers: self.of_arm(Some(role)) });
        // Each is read once: what they come to does not differ from what is told of them.
        let answers = arms.iter().fold(self.of_arm(None), |sum, arm| sum.with(&arm.answers));
        RouteCounts {
            host: self.host.to_string(),
            path: self.path.to_string(),
            upstream: self.upstream.to_string(),
            answers,
            arms: arms.into_iter().filter(|arm| arm.answers != Answers::default()).collect(),
            bytes: self.bytes(),
        }
    }

    /// Of one arm, over all workers.
    fn of_arm(&self, arm: Option<ArmRole>) -> Answers {
        let sum = |class: usize| self.lanes.sum(|lane| lane.arms[place(arm)][class].get());
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
            let arm = if status == 404 { Some(ArmRole::Candidate) } else { None };
            row.lane(usize::from(status % 2)).add(arm, status, 1, 2);
        }
        let wanted = Answers {
            informational: 1,
            success: 2,
            redirect: 1,
            client_error: 1,
            server_error: 3,
            unanswered: 1,
        };
        let counts = row.counts();
        assert_eq!(counts.answers, wanted);
        let answers = Answers { client_error: 1, ..Answers::default() };
        assert_eq!(counts.arms, [ArmAnswers { role: ArmRole::Candidate, answers }]);
        assert_eq!(counts.bytes, BodyBytes { received: 9, sent: 18 });
    }
}
