//! An upstream's arms, and the pick: first the arm by weight, then the endpoint with the least requests in flight.

use std::sync::Arc;

use http::HeaderValue;
use tidegate_core::model::TrafficPolicy;

use crate::assign::{Assigner, Note};
use crate::count::Row;
use crate::endpoint::Endpoint;
use crate::geo::Locate;
use crate::view::RequestView;

use super::Turn;

/// Where a service's requests go.
#[derive(Debug)]
pub(crate) struct Upstream {
    pub(crate) turn: Arc<Turn>,
    /// Who gets which arm by more than its turn.
    pub(crate) assigner: Option<Box<Assigner>>,
    pub(crate) arms: Vec<Arm>,
    #[allow(dead_code)] // until balancing reads it
    pub(crate) policy: TrafficPolicy,
}

/// One arm.
#[derive(Debug)]
pub(crate) struct Arm {
    pub(crate) role_value: HeaderValue,
    pub(crate) revision_value: HeaderValue,
    /// It gets the turns below this and not below the arm before it.
    pub(crate) below: u32,
    pub(crate) places: Vec<Place>,
    /// Counts requests it had no endpoint for.
    pub(crate) bare: Arc<Row>,
}

/// One endpoint in one arm.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) endpoint: Arc<Endpoint>,
    pub(crate) row: Arc<Row>,
}

impl Upstream {
    /// The arm of a request and what its answer says of that; `None` where there are no arms. A fast failing arm attracts
    /// no traffic: the arm is chosen before anything is known of its endpoints.
    pub(crate) fn assign(&self, view: &dyn RequestView, atlas: &dyn Locate) -> Option<(usize, Note)> {
        if self.arms.is_empty() {
            return None;
        }
        let Some(assigner) = &self.assigner else { return Some((self.by_turn(), Note::default())) };
        let (arm, note) = assigner.assign(view, atlas, &self.turn);
        Some((arm.unwrap_or_else(|| self.by_turn()), note))
    }

    /// The arm whose turn it is.
    fn by_turn(&self) -> usize {
        let turn = self.turn.next();
        self.arms.iter().position(|arm| turn < arm.below).unwrap_or(self.arms.len() - 1)
    }

    /// The best place in the arm, or, where `tried` leaves none, in another. `start` breaks ties.
    pub(crate) fn pick(&self, arm: usize, tried: &[u64], start: usize) -> Option<(&Arm, &Place)> {
        let others = self.arms.iter().enumerate().filter(|(index, _)| *index != arm).map(|(_, other)| other);
        let arms = self.arms.get(arm).into_iter().chain(others);
        arms.filter_map(|arm| arm.least_busy(tried, start).map(|place| (arm, place))).next()
    }
}

impl Arm {
    fn least_busy(&self, tried: &[u64], start: usize) -> Option<&Place> {
        let split = start.checked_rem(self.places.len())?;
        let (before, after) = self.places.split_at(split);
        // `min_by_key` keeps the first of equals: the rotation makes them take turns.
        after
            .iter()
            .chain(before)
            .filter(|place| !tried.contains(&place.endpoint.uid))
            .min_by_key(|place| place.endpoint.inflight())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidegate_core::model::{Address, InstanceId};
    use tokio::sync::Notify;

    fn upstream(arms: Vec<Arm>) -> Upstream {
        Upstream { turn: Arc::new(Turn::new(1)), assigner: None, arms, policy: TrafficPolicy::default() }
    }

    fn place(uid: u64) -> Place {
        let address = Address::Tcp("127.0.0.1:1".parse().unwrap());
        let id = InstanceId(format!("web-{uid}"));
        let endpoint = Arc::new(Endpoint::new(uid, id, address, Arc::new(Notify::new())));
        Place { endpoint, row: Arc::new(Row::new(1)) }
    }

    fn arm(below: u32, uids: &[u64]) -> Arm {
        Arm {
            role_value: HeaderValue::from_static("stable"),
            revision_value: HeaderValue::from_static("r1"),
            below,
            places: uids.iter().copied().map(place).collect(),
            bare: Arc::new(Row::new(1)),
        }
    }

    fn picked(upstream: &Upstream, arm: usize, tried: &[u64], start: usize) -> Option<u64> {
        upstream.pick(arm, tried, start).map(|(_, place)| place.endpoint.uid)
    }

    #[test]
    fn the_least_busy_is_picked_and_equals_take_turns() {
        let upstream = upstream(vec![arm(100, &[1, 2, 3])]);
        assert_eq!(
            [0, 1, 2, 3].map(|start| picked(&upstream, 0, &[], start)),
            [Some(1), Some(2), Some(3), Some(1)]
        );
        upstream.arms[0].places[0].endpoint.enter();
        assert_eq!(
            [0, 1, 2, 3].map(|start| picked(&upstream, 0, &[], start)),
            [Some(2), Some(2), Some(3), Some(2)]
        );
    }

    #[test]
    fn another_arm_helps_out_only_when_every_endpoint_was_tried() {
        let upstream = upstream(vec![arm(50, &[1, 2]), arm(100, &[3])]);
        assert_eq!(picked(&upstream, 0, &[1], 0), Some(2));
        assert_eq!(picked(&upstream, 0, &[1, 2], 0), Some(3));
        assert_eq!(picked(&upstream, 1, &[3], 0), Some(1));
        assert_eq!(picked(&upstream, 0, &[1, 2, 3], 0), None);
    }

    #[test]
    fn the_share_of_an_arm_is_its_weight() {
        let upstream = upstream(vec![arm(93, &[1]), arm(100, &[2])]);
        let second = (0..10_000).filter(|_| upstream.by_turn() == 1).count();
        assert_eq!(second, 700);
    }
}
