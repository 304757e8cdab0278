//! The way in which an arm's endpoints are chosen, made once for a table. A pick asks nobody to wait and, but for round
//! robin with many endpoints out, looks at a few endpoints however many there are.

use std::ops::Range;
use std::sync::Arc;

use tidegate_core::balance::{Point, Ring, Rotation, bound, hash};
use tidegate_core::model::{Balance, TrafficPolicy};

use super::{ArmState, Ask};
use crate::route::Place;

/// Most endpoints that least request compares: more find hardly a better one.
const WINDOW: usize = 32;
/// Most points of the ring that are looked at before the least busy endpoint is taken instead.
const WALK: usize = 128;
/// Pairs that are drawn before any endpoint is taken.
const PAIRS: u64 = 3;

/// See the module.
#[derive(Debug)]
pub(crate) struct Picker {
    all: Arc<Choice>,
    /// Of the first so many places, those in the gateway's own zone, where they are preferred.
    near: Option<(usize, Arc<Choice>)>,
    /// In microseconds.
    slow_start: Option<u64>,
    state: Arc<ArmState>,
}

/// What an arm had in the table before.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Earlier<'t> {
    pub(crate) balance: &'t Balance,
    pub(crate) places: &'t [Place],
    pub(crate) picker: &'t Picker,
}

/// One way to choose, over certain places.
#[derive(Debug)]
struct Choice {
    way: Way,
    weight: u64,
}

#[derive(Debug)]
enum Way {
    Least(Option<Rotation>),
    Turns(Rotation),
    Ewma,
    Ring(Ring),
    Nearest(Vec<Region>),
}

/// Places that follow each other and are in one region.
#[derive(Debug)]
struct Region {
    site: Option<Point>,
    places: Range<usize>,
}

impl Picker {
    /// For these places, of which the first `near` are in the gateway's own zone. What the same places had in an earlier
    /// table is used again: the ring of many endpoints takes long to make.
    pub(crate) fn new(
        policy: &TrafficPolicy,
        places: &[Place],
        near: usize,
        state: Arc<ArmState>,
        earlier: Option<Earlier<'_>>,
    ) -> Self {
        let some = policy.zone_aware && near > 0 && near < places.len();
        let earlier = earlier.filter(|earlier| earlier.chose_alike(&policy.balance, places));
        let make = |places| Arc::new(Choice::new(&policy.balance, places));
        let near_before = earlier.and_then(|earlier| earlier.picker.near.clone());
        let near = some.then(|| match near_before.filter(|(many, _)| *many == near) {
            Some(before) => before,
            None => (near, make(&places[..near])),
        });
        Picker {
            all: earlier.map_or_else(|| make(places), |earlier| earlier.picker.all.clone()),
            near,
            slow_start: policy.slow_start.map(|window| window.0.saturating_mul(1_000)),
            state,
        }
    }

    /// The best of those that will do.
    pub(crate) fn pick<'a>(
        &self,
        places: &'a [Place],
        ask: &Ask,
        fits: impl Fn(&Place) -> bool,
    ) -> Option<&'a Place> {
        if let Some(window) = self.slow_start {
            let warm =
                |place: &Place| fits(place) && place.endpoint.health.is_warm(ask, window, place.endpoint.uid);
            if let Some(place) = self.pick_near(places, ask, &warm) {
                return Some(place);
            }
        }
        self.pick_near(places, ask, &fits)
    }

    /// In the own zone while what is there has no more than its part.
    fn pick_near<'a>(
        &self,
        places: &'a [Place],
        ask: &Ask,
        fits: &impl Fn(&Place) -> bool,
    ) -> Option<&'a Place> {
        if let Some((many, choice)) = &self.near {
            let place = choice.pick(&places[..*many], ask, &self.state, fits);
            let inflight = u64::from(self.state.inflight());
            // Twice its part of what all have: a zone with too few endpoints is helped by the others.
            let spare = |place: &&Place| {
                let most = bound(inflight * 2, u64::from(place.weight), self.all.weight);
                u64::from(place.endpoint.inflight()) < most
            };
            if let Some(place) = place.filter(spare) {
                return Some(place);
            }
        }
        self.all.pick(places, ask, &self.state, fits)
    }
}

impl Earlier<'_> {
    /// Whether it had the same places in the same order, and chose in the same way.
    fn chose_alike(&self, balance: &Balance, places: &[Place]) -> bool {
        let what = |place: &Place| (place.endpoint.uid, place.weight, place.site);
        self.balance == balance && self.places.iter().map(what).eq(places.iter().map(what))
    }
}

impl Choice {
    fn new(balance: &Balance, places: &[Place]) -> Self {
        let weights: Vec<u32> = places.iter().map(|place| place.weight).collect();
        let equal = weights.windows(2).all(|pair| pair[0] == pair[1]);
        let named = |place: &Place| (hash(place.endpoint.id.0.as_bytes()), place.weight);
        let way = match balance {
            Balance::RoundRobin => Way::Turns(Rotation::new(&weights)),
            Balance::PeakEwma => Way::Ewma,
            Balance::Hash(_) => Way::Ring(Ring::new(places.iter().map(named))),
            Balance::Geographic => Way::Nearest(regions(places)),
            Balance::LeastRequest => Way::Least((!equal).then(|| Rotation::new(&weights))),
        };
        Choice { way, weight: weights.into_iter().map(u64::from).sum() }
    }

    fn pick<'a>(
        &self,
        places: &'a [Place],
        ask: &Ask,
        state: &ArmState,
        fits: &impl Fn(&Place) -> bool,
    ) -> Option<&'a Place> {
        match &self.way {
            Way::Least(None) => least(places, ask.turn as usize, fits),
            Way::Least(Some(rotation)) => least(places, rotation.at(ask.turn)?, fits),
            Way::Turns(rotation) => in_turn(places, rotation, state.turn(), fits),
            Way::Ewma => quicker(places, ask, fits),
            Way::Ring(ring) => self.around(ring, places, ask, state, fits),
            Way::Nearest(regions) => nearest(places, regions, ask, fits),
        }
    }

    /// The key's own endpoint, or the next on the ring that is not far over its part.
    fn around<'a>(
        &self,
        ring: &Ring,
        places: &'a [Place],
        ask: &Ask,
        state: &ArmState,
        fits: &impl Fn(&Place) -> bool,
    ) -> Option<&'a Place> {
        let inflight = u64::from(state.inflight());
        let spare = |place: &&Place| {
            let most = bound(inflight, u64::from(place.weight), self.weight);
            u64::from(place.endpoint.inflight()) < most && fits(place)
        };
        let found = ring.walk(ask.key).take(WALK).map(|member| &places[member]).find(spare);
        found.or_else(|| least(places, ask.turn as usize, fits))
    }
}

/// The one with the least in flight for its weight of those next in turn; the first of equals, so that they take turns.
fn least<'a>(places: &'a [Place], turn: usize, fits: &impl Fn(&Place) -> bool) -> Option<&'a Place> {
    let (before, after) = places.split_at(turn.checked_rem(places.len())?);
    let mut best: Option<(&Place, u64)> = None;
    for (looked, place) in after.iter().chain(before).enumerate() {
        if looked >= WINDOW && best.is_some() {
            break;
        }
        if !fits(place) {
            continue;
        }
        let inflight = u64::from(place.endpoint.inflight());
        if inflight == 0 {
            return Some(place);
        }
        // Both sides times both weights: no division.
        if best.is_none_or(|(other, others)| {
            inflight * u64::from(other.weight) < others * u64::from(place.weight)
        }) {
            best = Some((place, inflight));
        }
    }
    best.map(|(place, _)| place)
}

/// The least busy one of the nearest region that has one. Where nobody knows where the client is, of all.
fn nearest<'a>(
    places: &'a [Place],
    regions: &[Region],
    ask: &Ask,
    fits: &impl Fn(&Place) -> bool,
) -> Option<&'a Place> {
    let Some(client) = ask.location else { return least(places, ask.turn as usize, fits) };
    let mut best: Option<(&Place, f32)> = None;
    for region in regions {
        // A region that nobody knows is farther than any other.
        let nearness = region.site.map_or(-2.0, |site| site.nearness(client));
        if best.is_none_or(|(_, other)| nearness > other)
            && let Some(place) = least(&places[region.places.clone()], ask.turn as usize, fits)
        {
            best = Some((place, nearness));
        }
    }
    best.map(|(place, _)| place)
}

fn regions(places: &[Place]) -> Vec<Region> {
    let mut end = 0;
    let region = |chunk: &[Place]| {
        let start = end;
        end += chunk.len();
        Region { site: chunk[0].site, places: start..end }
    };
    places.chunk_by(|a, b| a.site == b.site).map(region).collect()
}

/// The one whose turn it is, or the next that will do.
fn in_turn<'a>(
    places: &'a [Place],
    rotation: &Rotation,
    turn: u64,
    fits: &impl Fn(&Place) -> bool,
) -> Option<&'a Place> {
    let turns = (0..rotation.len() as u64).filter_map(|n| rotation.at(turn.wrapping_add(n)));
    let found = turns.map(|member| &places[member]).find(|place| fits(place));
    // Those of weight 0 have no turn, but they are better than nobody.
    found.or_else(|| places.iter().find(|place| fits(place)))
}

/// The cheaper of two drawn by chance.
fn quicker<'a>(places: &'a [Place], ask: &Ask, fits: &impl Fn(&Place) -> bool) -> Option<&'a Place> {
    for n in 0..PAIRS {
        let (a, b) = two_of(places, ask, n)?;
        match (fits(a), fits(b)) {
            (true, true) => return Some(cheaper(a, b, ask.now)),
            (true, false) => return Some(a),
            (false, true) => return Some(b),
            (false, false) => {}
        }
    }
    let (before, after) = places.split_at(ask.one_of(places.len(), PAIRS * 2));
    after.iter().chain(before).find(|place| fits(place))
}

/// Two different places, where there are two.
fn two_of<'a>(places: &'a [Place], ask: &Ask, n: u64) -> Option<(&'a Place, &'a Place)> {
    let first = ask.one_of(places.len(), n * 2);
    let second = ask.one_of(places.len().saturating_sub(1), n * 2 + 1);
    let second = if second >= first { second + 1 } else { second };
    Some((places.get(first)?, places.get(second).or_else(|| places.first())?))
}

/// By latency times requests, with this one, for the weight. One that nothing is known of is taken to be like the other.
fn cheaper<'a>(a: &'a Place, b: &'a Place, now: u64) -> &'a Place {
    let (known_a, known_b) = (a.endpoint.health.cost(now), b.endpoint.health.cost(now));
    let cost = |place: &Place, known: Option<f32>, other: Option<f32>| {
        known.or(other).unwrap_or(1.0) * (place.endpoint.inflight() + 1) as f32 / place.weight.max(1) as f32
    };
    if cost(b, known_b, known_a) < cost(a, known_a, known_b) { b } else { a }
}
