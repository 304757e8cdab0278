//! Latencies in fixed memory: buckets that grow with the value, 1.6 % wide at most.

use std::time::Duration;

const SUB_BITS: u32 = 6;
const SUB: u64 = 1 << SUB_BITS;
/// Microseconds up to 2^36, which is 19 hours.
const BUCKETS: usize = ((36 - SUB_BITS as usize) + 1) * SUB as usize;

/// Counts of latencies.
#[derive(Clone, Debug)]
pub struct Histogram {
    counts: Vec<u64>,
    total: u64,
    max_us: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Histogram { counts: vec![0; BUCKETS], total: 0, max_us: 0 }
    }
}

impl Histogram {
    /// Counts one latency.
    pub fn record(&mut self, latency: Duration) {
        let us = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
        self.counts[bucket(us)] += 1;
        self.total += 1;
        self.max_us = self.max_us.max(us);
    }

    /// The latency in milliseconds that `share` (0 to 1) of all stayed within; 0 without any.
    pub fn quantile_ms(&self, share: f64) -> f64 {
        let rank = (share * self.total as f64).ceil().max(1.0) as u64;
        let mut seen = 0;
        for (index, count) in self.counts.iter().enumerate() {
            seen += count;
            if seen >= rank {
                return upper_us(index).min(self.max_us) as f64 / 1000.0;
            }
        }
        0.0
    }

    /// The longest latency in milliseconds.
    pub fn max_ms(&self) -> f64 {
        self.max_us as f64 / 1000.0
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.counts.fill(0);
        self.total = 0;
        self.max_us = 0;
    }
}

fn bucket(us: u64) -> usize {
    if us < SUB {
        return us as usize;
    }
    let shift = us.ilog2() - SUB_BITS;
    let index = u64::from(shift + 1) * SUB + ((us >> shift) - SUB);
    (index as usize).min(BUCKETS - 1)
}

fn upper_us(index: usize) -> u64 {
    let index = index as u64;
    if index < SUB {
        return index;
    }
    let shift = index / SUB - 1;
    ((index % SUB + SUB + 1) << shift) - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_within_two_percent() {
        let mut histogram = Histogram::default();
        (1..=10_000).for_each(|ms| histogram.record(Duration::from_millis(ms)));
        for (share, truth) in [(0.5, 5_000.0), (0.95, 9_500.0), (0.99, 9_900.0), (1.0, 10_000.0)] {
            let got = histogram.quantile_ms(share);
            assert!((got / truth - 1.0).abs() < 0.02, "{share}: {got}, not {truth}");
        }
        assert_eq!(histogram.max_ms(), 10_000.0);
    }

    #[test]
    fn every_value_lies_under_its_buckets_upper_end() {
        for us in (0..100_000).chain([1 << 30, (1 << 36) - 1]) {
            assert!(us <= upper_us(bucket(us)), "{us}");
            assert!(bucket(us) == 0 || us > upper_us(bucket(us) - 1), "{us}");
        }
        let mut histogram = Histogram::default();
        histogram.record(Duration::MAX);
        assert!(histogram.quantile_ms(0.0) > 0.0);
        histogram.clear();
        assert_eq!(histogram.quantile_ms(0.99), 0.0);
    }
}
