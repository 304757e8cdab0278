//! Consistent hashing: a key belongs to the member whose point on a circle comes next. When a member goes only its keys
//! move; when one comes it takes a part of everybody's.

use super::mix;

/// Points of a member of weight 100. More make the shares more even (here within a tenth) and the ring slower to make.
const POINTS: u32 = 128;
/// Most points of one member, whatever its weight.
const MOST_POINTS: u32 = 10 * POINTS;

/// The circle, made once for a set of members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ring {
    /// Position and member, by position.
    points: Box<[(u64, u32)]>,
    /// For each equal part of the circle the first point in it or after it: a lookup then takes a step or two.
    index: Box<[u32]>,
    shift: u32,
}

impl Ring {
    /// For members of these names (as numbers, see [`super::hash()`]) and weights. A member of weight 0 has one point.
    pub fn new(members: impl IntoIterator<Item = (u64, u32)>) -> Self {
        let mut points = Vec::new();
        for (member, (name, weight)) in members.into_iter().enumerate() {
            let count = u64::from(weight) * u64::from(POINTS) / 100;
            let point = |n: u64| (mix(name ^ mix(n)), member as u32);
            points.extend((0..count.clamp(1, u64::from(MOST_POINTS))).map(point));
        }
        points.sort_unstable();
        let bits = points.len().next_power_of_two().trailing_zeros().max(1);
        let shift = u64::BITS - bits;
        let first = |part: u64| points.partition_point(|(position, _)| *position < part << shift) as u32;
        let index = (0..1_u64 << bits).map(first).collect();
        Ring { points: points.into_boxed_slice(), index, shift }
    }

    /// The members in the order in which a key prefers them, beginning with its own. Comes round to all of them, and to
    /// most of them several times.
    pub fn walk(&self, key: u64) -> impl Iterator<Item = usize> {
        let mut start = self.index[(key >> self.shift) as usize] as usize;
        while self.points.get(start).is_some_and(|(position, _)| *position < key) {
            start += 1;
        }
        let (before, after) = self.points.split_at(start.min(self.points.len()));
        after.iter().chain(before).map(|(_, member)| *member as usize)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::hash;
    use super::*;

    fn ring(names: impl IntoIterator<Item = usize>) -> Ring {
        Ring::new(names.into_iter().map(|name| (hash(format!("web-{name}").as_bytes()), 100)))
    }

    fn owner(ring: &Ring, key: u64) -> usize {
        ring.walk(mix(key)).next().unwrap()
    }

    #[test]
    fn the_ring_of_nobody_has_nobody() {
        assert_eq!(Ring::new([]).walk(7).next(), None);
    }

    #[test]
    fn a_lookup_finds_the_next_point() {
        let ring = ring(0..7);
        for key in (0..10_000).map(mix).chain([0, u64::MAX]) {
            let next = ring.points.iter().find(|(position, _)| *position >= key).unwrap_or(&ring.points[0]);
            assert_eq!(ring.walk(key).next(), Some(next.1 as usize));
        }
    }

    #[test]
    fn shares_are_the_weights() {
        let ring = Ring::new([(1, 100), (2, 100), (3, 200)].map(|(name, weight)| (mix(name), weight)));
        let mut hits = [0; 3];
        (0..100_000).for_each(|key| hits[owner(&ring, key)] += 1);
        for (hit, fair) in hits.iter().zip([25_000, 25_000, 50_000]) {
            assert!((fair * 3 / 4..fair * 5 / 4).contains(hit), "{hits:?}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]

        #[test]
        fn few_keys_move_when_one_comes_or_goes(n in 2_usize..40, leaves in 0_usize..40) {
            const KEYS: u64 = 20_000;
            let leaves = leaves % n;
            let before = ring(0..n);
            let after = ring((0..n).filter(|name| *name != leaves));
            let same = |member: usize| if member < leaves { member } else { member + 1 };
            let mut moved = 0;
            for key in 0..KEYS {
                let (was, is) = (owner(&before, key), same(owner(&after, key)));
                prop_assert!(was == leaves || was == is, "only the keys of the one that left move");
                moved += u64::from(was != is);
            }
            prop_assert!(moved * n as u64 * 2 <= KEYS * 3, "{moved} of {KEYS} with {n}");
        }
    }
}
