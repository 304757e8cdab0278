//! An upstream's arms, and the pick: first the arm by weight, then an endpoint of it by the upstream's balance.

use std::sync::Arc;

use http::HeaderValue;
use tidegate_core::balance::{Point, hash};
use tidegate_core::model::{self, ArmRole, Balance, Protocol, TrafficPolicy};

use crate::assign::{Assigner, Lane, Note};
use crate::badge::Badge;
use crate::balance::{Ask, Earlier, Failure, Picker, Shared, Terms, Tries};
use crate::client_id::ClientId;
use crate::count::Row;
use crate::endpoint::Endpoint;
use crate::flags::{Drawn, Watched};
use crate::geo::Locate;
use crate::hold::Hold;
use crate::mirror::Mirror;
use crate::policy::Site;
use crate::trial::{Trial, Watch};
use crate::view::RequestView;

use super::Turn;

/// Where a service's requests go.
#[derive(Debug)]
pub(crate) struct Upstream {
    pub(crate) turn: Arc<Turn>,
    /// Who gets which arm by more than its turn.
    pub(crate) assigner: Option<Box<Assigner>>,
    /// Which requests keep to a side of a train.
    pub(crate) lane: Option<Box<Lane>>,
    /// Which requests are copied, and where to.
    pub(crate) mirror: Option<Box<Mirror>>,
    /// What is counted of clients that keep to their arm.
    pub(crate) trial: Option<Box<Trial>>,
    /// Flags that are evaluated for each request.
    pub(crate) flags: Option<Box<Watched>>,
    pub(crate) arms: Vec<Arm>,
    pub(crate) policy: TrafficPolicy,
    /// How long it is waited for, and what is repeated.
    pub(crate) terms: Terms,
    pub(crate) shared: Arc<Shared>,
    /// Whether the fast path can serve it.
    pub(crate) is_plain: bool,
    /// How requests are held while there are no arms; `None`: they are not.
    pub(crate) hold: Option<Hold>,
}

/// One arm.
#[derive(Debug)]
pub(crate) struct Arm {
    /// What its requests carry.
    pub(crate) badge: Arc<Badge>,
    pub(crate) role: ArmRole,
    /// It gets the turns below this and not below the arm before it.
    pub(crate) below: u32,
    pub(crate) places: Vec<Place>,
    /// Files that are served instead of asking an endpoint.
    pub(crate) site: Option<Arc<Site>>,
    /// Counts requests it had no endpoint for, and those that files answered.
    pub(crate) bare: Arc<Row>,
    pub(crate) picker: Picker,
}

/// One endpoint in one arm.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) endpoint: Arc<Endpoint>,
    pub(crate) row: Arc<Row>,
    pub(crate) weight: u32,
    /// Where it is, where that is known.
    pub(crate) site: Option<Point>,
}

/// What came of looking for a place. One that is found is entered.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Seated<'a> {
    /// Here.
    At(&'a Arm, &'a Place),
    /// The arm's endpoints have all they may have.
    Full,
    /// There is none.
    Nobody,
}

impl Upstream {
    /// The endpoints of all its arms.
    pub(crate) fn endpoints(&self) -> impl Iterator<Item = &Arc<Endpoint>> {
        self.arms.iter().flat_map(|arm| &arm.places).map(|place| &place.endpoint)
    }

    /// Whether instances speak plain HTTP/1.1, nothing is to be done with bodies on the way or counted of answers, and there is one or nobody waits
    /// for one.
    pub(crate) fn plain(upstream: &model::Upstream) -> bool {
        let files = upstream.arms.iter().any(|arm| arm.site.is_some());
        let holds = upstream.hold.is_some() && upstream.arms.is_empty();
        let counted = !upstream.policy.outcomes.is_empty() || !upstream.flags.is_empty();
        let looked_at = upstream.policy.mirror.is_some() || counted;
        upstream.policy.protocol == Protocol::Http1 && !looked_at && !files && !holds
    }

    /// The arm of a request and what its answer says of that; `None` where there are no arms. A fast failing arm attracts
    /// no traffic: the arm is chosen before anything is known of its endpoints.
    pub(crate) fn assign(&self, view: &dyn RequestView, atlas: &dyn Locate) -> Option<(usize, Note)> {
        if self.arms.is_empty() {
            return None;
        }
        if let Some(arm) = self.by_lane(view) {
            return Some((
                arm,
                self.assigner.as_ref().map_or_else(Note::default, |assigner| assigner.plain()),
            ));
        }
        let Some(assigner) = &self.assigner else { return Some((self.by_turn(), Note::default())) };
        let (arm, note) = assigner.assign(view, atlas, &self.turn);
        Some((arm.unwrap_or_else(|| self.by_turn()), note))
    }

    /// Counts a request of a client that keeps to its arm, and gives what its answer is to be told to where that may count.
    pub(crate) fn watch(&self, arm: usize, note: &Note, view: &dyn RequestView) -> Option<Box<Watch>> {
        self.trial.as_ref()?.begin(arm, note.cell?, view.method(), view.path()).map(Box::new)
    }

    /// What the request gets of the upstream's watched flags, where it has any.
    pub(crate) fn draw(&self, view: &dyn RequestView) -> Option<Box<Drawn>> {
        self.flags.as_ref().map(|flags| flags.draw(view))
    }

    /// The arm of a request that is on a lane, while that side is there.
    fn by_lane(&self, view: &dyn RequestView) -> Option<usize> {
        let role = self.lane.as_ref()?.told(view)?;
        self.arms.iter().position(|arm| arm.role == role)
    }

    /// The arm whose turn it is.
    fn by_turn(&self) -> usize {
        self.arm_of(self.turn.next())
    }

    /// The arm that has this share, from 0 to 99. There must be arms.
    pub(crate) fn arm_of(&self, share: u32) -> usize {
        self.arms.iter().position(|arm| share < arm.below).unwrap_or(self.arms.len().saturating_sub(1))
    }

    /// The best place in the arm, or, where it has none at all, in another.
    pub(crate) fn seat(&self, arm: usize, ask: &Ask) -> Seated<'_> {
        for (index, arm) in self.from(arm) {
            for up in [true, false] {
                match arm.seat(ask, &[], up) {
                    Seated::Nobody => {}
                    Seated::Full if index > 0 => {}
                    seated => return seated,
                }
            }
        }
        Seated::Nobody
    }

    /// As [`Upstream::seat`] after a failure. An endpoint that is out is asked last, and only within the budget.
    pub(crate) fn seat_again(&self, arm: usize, ask: &Ask, tries: &Tries, failure: Failure) -> Seated<'_> {
        let tried = tries.endpoints();
        for up in [true, false] {
            for (index, arm) in self.from(arm) {
                match arm.seat(ask, tried, up) {
                    Seated::Nobody => {}
                    Seated::Full if index > 0 => {}
                    seated => return self.paid(seated, failure, up, ask.now),
                }
            }
        }
        // Who asks for repeats means them for a single endpoint too.
        let same = self.arms.get(arm).filter(|_| self.terms.same && !failure.is_unseen());
        same.map_or(Seated::Nobody, |arm| self.paid(arm.seat(ask, &[], false), failure, false, ask.now))
    }

    /// The place, if the budget allows it.
    fn paid<'a>(&self, seated: Seated<'a>, failure: Failure, up: bool, now: u64) -> Seated<'a> {
        if let Seated::At(_, place) = seated
            && !Tries::pays(failure, up, &self.terms, &self.shared, now)
        {
            place.endpoint.leave();
            return Seated::Nobody;
        }
        seated
    }

    /// What a revision's arm chose from, whichever role it had.
    pub(crate) fn earlier(&self, revision: &HeaderValue) -> Option<Earlier<'_>> {
        let arm = self.arms.iter().find(|arm| arm.badge.revision == *revision)?;
        Some(Earlier { balance: &self.policy.balance, places: &arm.places, picker: &arm.picker })
    }

    /// The arm with these names.
    pub(crate) fn arm_like(&self, names: &Badge) -> Option<usize> {
        let same = |arm: &Arm| arm.badge.arm == names.arm && arm.badge.revision == names.revision;
        self.arms.iter().position(same)
    }

    /// An endpoint's place in an arm.
    pub(crate) fn place_of(&self, arm: usize, endpoint: u64) -> Option<(&Arm, &Place)> {
        let arm = self.arms.get(arm)?;
        Some((arm, arm.places.iter().find(|place| place.endpoint.uid == endpoint)?))
    }

    /// The client as a number, where endpoints are chosen by it.
    pub(crate) fn key_of(&self, view: &dyn RequestView) -> u64 {
        match &self.policy.balance {
            Balance::Hash(by) => {
                let client = ClientId::of(by, view);
                let (kind, bytes) = client.parts();
                hash(bytes) ^ u64::from(kind)
            }
            Balance::RoundRobin | Balance::LeastRequest | Balance::PeakEwma | Balance::Geographic => 0,
        }
    }

    /// Where the client is, where endpoints are chosen by it.
    pub(crate) fn location_of(&self, view: &dyn RequestView, atlas: &dyn Locate) -> Option<Point> {
        if self.policy.balance != Balance::Geographic {
            return None;
        }
        let (latitude, longitude) = atlas.locate(view.client())?.location?;
        Some(Point::new(latitude, longitude))
    }

    /// All arms, this one first.
    fn from(&self, arm: usize) -> impl Iterator<Item = (usize, &Arm)> {
        let others =
            self.arms.iter().enumerate().filter(move |(index, _)| *index != arm).map(|(_, other)| other);
        self.arms.get(arm).into_iter().chain(others).enumerate()
    }
}

impl Arm {
    /// The best place for something that takes none, on another endpoint than this one where there is one.
    pub(crate) fn look_besides(&self, taken: Option<u64>, ask: &Ask) -> Option<&Place> {
        let other = |place: &Place| Some(place.endpoint.uid) != taken && place.endpoint.health.is_up(ask.now);
        self.picker.pick(&self.places, ask, other).or_else(|| self.look(ask))
    }

    /// The best place for something that takes none.
    pub(crate) fn look(&self, ask: &Ask) -> Option<&Place> {
        let up = self.picker.pick(&self.places, ask, |place| place.endpoint.health.is_up(ask.now));
        up.or_else(|| self.picker.pick(&self.places, ask, |_| true))
    }

    /// A place that was not tried, on an endpoint that is up, or on any.
    fn seat(&self, ask: &Ask, tried: &[u64], up: bool) -> Seated<'_> {
        let limit = self.badge.guard.as_ref().map_or(u32::MAX, |guard| guard.limit());
        let fits = |place: &Place| {
            let endpoint = &place.endpoint;
            (!up || endpoint.health.is_up(ask.now)) && !tried.contains(&endpoint.uid)
        };
        while let Some(place) =
            self.picker.pick(&self.places, ask, |place| fits(place) && place.endpoint.inflight() < limit)
        {
            // Another worker may have been quicker.
            if place.endpoint.try_enter(limit) {
                return Seated::At(self, place);
            }
        }
        if limit < u32::MAX && self.places.iter().any(fits) { Seated::Full } else { Seated::Nobody }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::balance::ArmState;
    use crate::limits::Limits;
    use tidegate_core::model::{Address, InstanceId};
    use tokio::sync::Notify;

    fn upstream(arms: Vec<Arm>) -> Upstream {
        let policy = TrafficPolicy::default();
        let terms = Terms::new(&policy, &Limits::default());
        let (turn, shared) = (Arc::new(Turn::new(1)), Arc::new(Shared::new(1)));
        Upstream {
            turn,
            assigner: None,
            lane: None,
            mirror: None,
            trial: None,
            flags: None,
            arms,
            policy,
            terms,
            shared,
            is_plain: true,
            hold: None,
        }
    }

    fn place(uid: u64) -> Place {
        let address = Address::Tcp("127.0.0.1:1".parse().unwrap());
        let id = InstanceId(format!("web-{uid}"));
        let endpoint = Arc::new(Endpoint::new(uid, id, address, Arc::new(Notify::new())));
        Place { endpoint, row: Arc::new(Row::new(1)), weight: 100, site: None }
    }

    fn arm(below: u32, uids: &[u64]) -> Arm {
        let places: Vec<Place> = uids.iter().copied().map(place).collect();
        let state = Arc::new(ArmState::default());
        let names = (HeaderValue::from_static("stable"), HeaderValue::from_static("r1"), None);
        let terms = Terms::new(&TrafficPolicy::default(), &Limits::default());
        Arm {
            badge: Badge::new(names, terms, None),
            role: ArmRole::Stable,
            below,
            picker: Picker::new(&TrafficPolicy::default(), &places, 0, state, None),
            places,
            site: None,
            bare: Arc::new(Row::new(1)),
        }
    }

    fn ask(turn: u64) -> Ask {
        Ask { now: 1, turn, key: 0, location: None }
    }

    /// Who is picked; the place is given back.
    fn picked(seated: Seated<'_>) -> Option<u64> {
        let Seated::At(_, place) = seated else { return None };
        place.endpoint.leave();
        Some(place.endpoint.uid)
    }

    fn tried(uids: &[u64], upstream: &Upstream) -> Tries {
        let mut tries = Tries::default();
        for uid in uids {
            tries.on_failure(*uid, Failure::Unsent, &upstream.terms);
        }
        tries
    }

    fn again(upstream: &Upstream, arm: usize, uids: &[u64]) -> Option<u64> {
        picked(upstream.seat_again(arm, &ask(0), &tried(uids, upstream), Failure::Unsent))
    }

    #[test]
    fn the_least_busy_is_picked_and_equals_take_turns() {
        let upstream = upstream(vec![arm(100, &[1, 2, 3])]);
        let turns = || [0, 1, 2, 3].map(|turn| picked(upstream.seat(0, &ask(turn))).unwrap());
        assert_eq!(turns(), [1, 2, 3, 1]);
        upstream.arms[0].places[0].endpoint.enter();
        assert_eq!(turns(), [2, 2, 3, 2]);
    }

    #[test]
    fn another_arm_helps_out_only_when_every_endpoint_was_tried() {
        let upstream = upstream(vec![arm(50, &[1, 2]), arm(100, &[3])]);
        assert_eq!(again(&upstream, 0, &[1]), Some(2));
        assert_eq!(again(&upstream, 0, &[1, 2]), Some(3));
        assert_eq!(again(&upstream, 1, &[3]), Some(1));
        assert_eq!(again(&upstream, 0, &[1, 2, 3]), None);
    }

    #[test]
    fn an_endpoint_that_is_out_is_asked_last() {
        let upstream = upstream(vec![arm(50, &[1, 2]), arm(100, &[3])]);
        let out = |uid: u64| upstream.arms[0].places[uid as usize - 1].endpoint.health.set_out(9);
        out(1);
        assert_eq!(picked(upstream.seat(0, &ask(0))), Some(2));
        out(2);
        // The arm is chosen before anything is known of its endpoints; a repeat may go where it is sure to be answered.
        assert_eq!(picked(upstream.seat(0, &ask(0))), Some(1));
        assert_eq!(again(&upstream, 0, &[1]), Some(3));
        assert_eq!(again(&upstream, 0, &[1, 3]), Some(2));
        assert_eq!(picked(upstream.seat(0, &Ask { now: 9, ..ask(0) })), Some(1));
    }

    #[test]
    fn endpoints_that_are_out_are_asked_again_within_the_budget() {
        let upstream = upstream(vec![arm(100, &[1, 2])]);
        upstream.arms[0].places.iter().for_each(|place| place.endpoint.health.set_out(9));
        let asked = (0..1_000).filter(|_| again(&upstream, 0, &[1]).is_some()).count();
        assert_eq!(asked, 50);
        assert!(upstream.arms[0].places.iter().all(|place| place.endpoint.inflight() == 0));
    }

    #[test]
    fn the_share_of_an_arm_is_its_weight() {
        let upstream = upstream(vec![arm(93, &[1]), arm(100, &[2])]);
        let second = (0..10_000).filter(|_| upstream.by_turn() == 1).count();
        assert_eq!(second, 700);
    }
}
