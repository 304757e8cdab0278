//! The latency of an endpoint as the balancer feels it: at once up to a peak, slowly down again.

/// How fast the past is forgotten: after this long a sample counts 1/e.
const DECAY_MS: f32 = 10_000.0;

/// A moving average that jumps to peaks. Eight bytes, so that it fits in one atomic word ([`Ewma::to_bits`]).
///
/// The default is an endpoint that nothing is known of.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Ewma {
    /// Microseconds; 0: nothing is known.
    cost: f32,
    /// When, in milliseconds of a clock that may wrap.
    at: u32,
}

impl Ewma {
    /// With one more answer, which took `latency_us`, at `now_us`.
    #[must_use]
    pub fn observe(self, now_us: u64, latency_us: u64) -> Self {
        let (now, sample) = (millis(now_us), (latency_us as f32).max(1.0));
        if self.cost == 0.0 || sample >= self.cost_at(now) {
            return Ewma { cost: sample, at: now };
        }
        let past = self.weight_of_past(now);
        Ewma { cost: self.cost * past + sample * (1.0 - past), at: now }
    }

    /// What it costs to ask the endpoint at `now_us`, in microseconds. Falls while nothing is heard of it: a slow one is
    /// tried again some time. `None`: nothing is known.
    pub fn cost(self, now_us: u64) -> Option<f32> {
        (self.cost > 0.0).then(|| self.cost_at(millis(now_us)))
    }

    /// As one word.
    pub fn to_bits(self) -> u64 {
        u64::from(self.cost.to_bits()) << 32 | u64::from(self.at)
    }

    /// From [`Ewma::to_bits`].
    pub fn from_bits(bits: u64) -> Self {
        Ewma { cost: f32::from_bits((bits >> 32) as u32), at: bits as u32 }
    }

    fn cost_at(self, now: u32) -> f32 {
        self.cost * self.weight_of_past(now)
    }

    fn weight_of_past(self, now: u32) -> f32 {
        let elapsed = now.wrapping_sub(self.at);
        // Workers read their clocks apart from each other: a sample may be of a moment ahead.
        if elapsed == 0 || elapsed > u32::MAX / 2 { 1.0 } else { (-(elapsed as f32) / DECAY_MS).exp() }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "differences are taken modulo the range")]
const fn millis(us: u64) -> u32 {
    (us / 1_000) as u32
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn nothing_is_known_of_a_new_one() {
        assert_eq!(Ewma::default().cost(5_000_000), None);
        assert_eq!(Ewma::from_bits(0), Ewma::default());
    }

    #[test]
    fn a_peak_counts_at_once_and_is_forgotten_slowly() {
        let calm = (0..1_000).fold(Ewma::default(), |ewma, n| ewma.observe(n * 10_000, 2_000));
        let peak = calm.observe(10_000_000, 900_000);
        assert_eq!(peak.cost(10_000_000), Some(900_000.0));
        let later = peak.cost(20_000_000).unwrap();
        assert!((300_000.0..360_000.0).contains(&later), "{later}");
        let calm = (0..6_000).fold(peak, |ewma, n| ewma.observe(10_000_000 + n * 10_000, 2_000));
        assert!(calm.cost(70_000_000).unwrap() < 6_000.0, "{calm:?}");
    }

    proptest! {
        #[test]
        fn it_converges_to_what_it_is_told(first in 1_u64..10_000_000, latency in 100_u64..1_000_000, step in 500_u64..200_000) {
            let mut ewma = Ewma::default().observe(0, first);
            let steps = 200_000_000 / step;
            for n in 1..=steps.min(400_000) {
                ewma = ewma.observe(n * step, latency);
            }
            let end = steps.min(400_000) * step;
            let cost = f64::from(ewma.cost(end).unwrap());
            prop_assert!((cost - latency as f64).abs() <= latency as f64 * 0.05 + first as f64 * 0.001, "{cost} for {latency}");
        }

        #[test]
        fn it_never_leaves_the_range_of_its_samples(samples in prop::collection::vec((1_u64..1_000_000, 0_u64..500_000), 1..100)) {
            let (mut ewma, mut now) = (Ewma::default(), 0);
            for (latency, step) in &samples {
                now += step;
                ewma = ewma.observe(now, *latency);
                prop_assert_eq!(Ewma::from_bits(ewma.to_bits()), ewma);
            }
            let least = samples.iter().map(|(latency, _)| *latency).min().unwrap() as f32;
            let most = samples.iter().map(|(latency, _)| *latency).max().unwrap() as f32;
            let cost = ewma.cost(now).unwrap();
            prop_assert!(cost >= least * 0.999 && cost <= most * 1.001);
        }
    }
}
