//! Latencies, counted in buckets that are never wider than a thirty-second of what they hold: a quantile read from them is
//! off by less than 2 % from 512 ns to 137 s. The gateway's workers count in the same buckets.

use serde::{Deserialize, Serialize};

/// Buckets in each power of two.
const STEPS: u64 = 1 << STEP_BITS;
const STEP_BITS: u32 = 5;
/// Latencies below 2^9 ns count as 2^9 ns.
const LOWEST_BIT: u32 = 9;

/// One bucket of a [`Histogram`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Bucket(u16);

impl Bucket {
    /// Powers of two that are told apart; what is longer (137 s) counts as the longest.
    pub const OCTAVES: usize = 28;
    /// Buckets in each of them.
    pub const STEPS: usize = STEPS as usize;

    /// The bucket of a latency in nanoseconds. Costs a few instructions.
    pub fn of_ns(ns: u64) -> Bucket {
        const LONGEST: u64 = (1 << (LOWEST_BIT + Bucket::OCTAVES as u32)) - 1;
        let ns = ns.clamp(1 << LOWEST_BIT, LONGEST);
        let octave = ns.ilog2() - LOWEST_BIT;
        let step = (ns >> (octave + LOWEST_BIT - STEP_BITS)) - STEPS;
        Bucket(((u64::from(octave) << STEP_BITS) | step) as u16)
    }

    /// The bucket in its place; `None` where there is none.
    pub fn at(octave: usize, step: usize) -> Option<Bucket> {
        let inside = octave < Self::OCTAVES && step < Self::STEPS;
        inside.then_some(Bucket((octave * Self::STEPS + step) as u16))
    }

    /// Which power of two.
    pub fn octave(self) -> usize {
        usize::from(self.0) / Self::STEPS
    }

    /// Which bucket of it.
    pub fn step(self) -> usize {
        usize::from(self.0) % Self::STEPS
    }

    /// The shortest latency in it, in nanoseconds.
    pub fn floor_ns(self) -> u64 {
        (STEPS + self.step() as u64) << self.shift()
    }

    /// What stands for its latencies: never further than 1.6 % from any of them.
    pub fn middle_ns(self) -> u64 {
        self.floor_ns() + (1 << self.shift()) / 2
    }

    fn shift(self) -> u32 {
        self.octave() as u32 + LOWEST_BIT - STEP_BITS
    }

    fn is_one(self) -> bool {
        self.octave() < Self::OCTAVES
    }
}

/// How often which latency was measured.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Raw")]
pub struct Histogram {
    /// All latencies together, in nanoseconds.
    sum_ns: u64,
    /// What is not 0, by bucket, in order.
    buckets: Vec<(Bucket, u64)>,
}

/// A histogram as somebody wrote it.
#[derive(Deserialize)]
struct Raw {
    sum_ns: u64,
    buckets: Vec<(Bucket, u64)>,
}

impl TryFrom<Raw> for Histogram {
    type Error = &'static str;

    fn try_from(raw: Raw) -> Result<Self, Self::Error> {
        let rising = raw.buckets.windows(2).all(|pair| pair[0].0 < pair[1].0);
        if !rising || !raw.buckets.iter().all(|(bucket, _)| bucket.is_one()) {
            return Err("the buckets of a histogram must be rising numbers below 896");
        }
        Ok(Histogram { sum_ns: raw.sum_ns, buckets: raw.buckets })
    }
}

impl Histogram {
    /// Puts counts together; `counts` come in the order of their buckets, each once.
    pub fn new(sum_ns: u64, counts: impl IntoIterator<Item = (Bucket, u64)>) -> Histogram {
        let buckets: Vec<_> = counts.into_iter().filter(|(_, count)| *count > 0).collect();
        debug_assert!(buckets.windows(2).all(|pair| pair[0].0 < pair[1].0), "in order");
        Histogram { sum_ns, buckets }
    }

    /// Counts one latency in nanoseconds.
    pub fn add_ns(&mut self, ns: u64) {
        let bucket = Bucket::of_ns(ns);
        self.sum_ns = self.sum_ns.wrapping_add(ns);
        match self.buckets.binary_search_by_key(&bucket, |(bucket, _)| *bucket) {
            Ok(at) => self.buckets[at].1 += 1,
            Err(at) => self.buckets.insert(at, (bucket, 1)),
        }
    }

    /// How many latencies.
    pub fn total(&self) -> u64 {
        self.buckets.iter().map(|(_, count)| count).sum()
    }

    /// All latencies together, in nanoseconds.
    pub fn sum_ns(&self) -> u64 {
        self.sum_ns
    }

    /// What is not 0, by bucket, in order.
    pub fn buckets(&self) -> &[(Bucket, u64)] {
        &self.buckets
    }

    /// How many were at most this long. A bucket counts whole, by its middle.
    pub fn at_most_ns(&self, ns: u64) -> u64 {
        self.buckets.iter().take_while(|(bucket, _)| bucket.middle_ns() <= ns).map(|(_, count)| count).sum()
    }

    /// The latency that a share of all did not exceed, in nanoseconds and less than 2 % off; `None` where there are none.
    pub fn quantile_ns(&self, share: f64) -> Option<u64> {
        let total = self.total();
        let rank = ((share.clamp(0.0, 1.0) * total as f64).ceil() as u64).clamp(1, total.max(1));
        let mut seen = 0;
        let reached = |(bucket, count): &(Bucket, u64)| {
            seen += count;
            (seen >= rank).then(|| bucket.middle_ns())
        };
        self.buckets.iter().find_map(reached)
    }

    /// Takes in the latencies of another.
    pub fn merge(&mut self, other: &Histogram) {
        self.combine(other, |ours, theirs| ours + theirs);
        self.sum_ns = self.sum_ns.wrapping_add(other.sum_ns);
    }

    /// What was counted since an earlier state of the same histogram.
    pub fn since(&self, earlier: &Histogram) -> Histogram {
        let mut new = self.clone();
        new.combine(earlier, u64::saturating_sub);
        new.buckets.retain(|(_, count)| *count > 0);
        new.sum_ns = self.sum_ns.wrapping_sub(earlier.sum_ns);
        new
    }

    fn combine(&mut self, other: &Histogram, with: impl Fn(u64, u64) -> u64) {
        for (bucket, count) in &other.buckets {
            match self.buckets.binary_search_by_key(bucket, |(bucket, _)| *bucket) {
                Ok(at) => self.buckets[at].1 = with(self.buckets[at].1, *count),
                Err(at) => self.buckets.insert(at, (*bucket, with(0, *count))),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SHORTEST: u64 = 512;
    const LONGEST: u64 = 137_000_000_000;

    fn histogram(latencies: &[u64]) -> Histogram {
        let mut made = Histogram::default();
        latencies.iter().for_each(|ns| made.add_ns(*ns));
        made
    }

    /// Spread evenly over the powers of ten.
    fn latency() -> impl Strategy<Value = u64> {
        (9.0_f64..36.99).prop_map(|power| (power.exp2() as u64).clamp(SHORTEST, LONGEST))
    }

    fn off(is: u64, should: u64) -> f64 {
        (is as f64 - should as f64).abs() / should as f64
    }

    #[test]
    fn buckets_follow_each_other_without_a_gap() {
        let every =
            (0..Bucket::OCTAVES).flat_map(|octave| (0..Bucket::STEPS).map(move |step| (octave, step)));
        let every: Vec<Bucket> = every.map(|(octave, step)| Bucket::at(octave, step).unwrap()).collect();
        for pair in every.windows(2) {
            assert_eq!(Bucket::of_ns(pair[1].floor_ns()), pair[1]);
            assert_eq!(Bucket::of_ns(pair[1].floor_ns() - 1), pair[0]);
            assert_eq!(pair[1].0, pair[0].0 + 1);
        }
        assert_eq!(Bucket::at(Bucket::OCTAVES, 0), None);
        assert_eq!(Bucket::at(0, Bucket::STEPS), None);
    }

    #[test]
    fn what_is_out_of_range_counts_at_its_end() {
        assert_eq!(Bucket::of_ns(0), Bucket::at(0, 0).unwrap());
        assert_eq!(Bucket::of_ns(u64::MAX), Bucket::at(27, 31).unwrap());
    }

    #[test]
    fn none_has_no_quantile() {
        assert_eq!(Histogram::default().quantile_ns(0.5), None);
    }

    #[test]
    fn written_and_read_it_is_the_same_and_nonsense_is_refused() {
        let made = histogram(&[1_000, 1_000, 5_000_000]);
        let text = serde_json::to_string(&made).unwrap();
        assert_eq!(text, r#"{"sum_ns":5002000,"buckets":[[30,2],[422,1]]}"#);
        assert_eq!(serde_json::from_str::<Histogram>(&text).unwrap(), made);
        for wrong in [r#"[[896,1]]"#, r#"[[2,1],[1,1]]"#, r#"[[1,1],[1,1]]"#] {
            let text = format!(r#"{{"sum_ns":0,"buckets":{wrong}}}"#);
            assert!(serde_json::from_str::<Histogram>(&text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_bucket_is_less_than_two_percent_off(ns in latency()) {
            let bucket = Bucket::of_ns(ns);
            prop_assert!(off(bucket.middle_ns(), ns) < 0.02);
            prop_assert!(bucket.floor_ns() <= ns);
        }

        #[test]
        fn a_quantile_is_less_than_two_percent_off(
            mut latencies in proptest::collection::vec(latency(), 1..200),
            share in 0.0_f64..=1.0,
        ) {
            let made = histogram(&latencies);
            latencies.sort_unstable();
            let rank = ((share * latencies.len() as f64).ceil() as usize).max(1);
            prop_assert!(off(made.quantile_ns(share).unwrap(), latencies[rank - 1]) < 0.02);
        }

        #[test]
        fn merged_is_as_if_counted_together(
            one in proptest::collection::vec(latency(), 0..50),
            two in proptest::collection::vec(latency(), 0..50),
        ) {
            let mut merged = histogram(&one);
            merged.merge(&histogram(&two));
            prop_assert_eq!(&merged, &histogram(&[one.clone(), two.clone()].concat()));
            prop_assert_eq!(merged.since(&histogram(&one)), histogram(&two));
            prop_assert_eq!(merged.total(), (one.len() + two.len()) as u64);
            prop_assert_eq!(merged.sum_ns(), one.iter().chain(&two).sum::<u64>());
        }

        #[test]
        fn at_most_rises_to_the_total(latencies in proptest::collection::vec(latency(), 0..50)) {
            let made = histogram(&latencies);
            let mut before = 0;
            for power in 9..38 {
                let now = made.at_most_ns(1 << power);
                prop_assert!(now >= before);
                before = now;
            }
            prop_assert_eq!(before, made.total());
        }
    }
}
