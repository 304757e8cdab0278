//! When each of many connections is to go, so that those who come back do not come all at once. Pure.

use std::time::Duration;

/// The part of the drain in which they go, in percent, and how far it may stretch where there are many.
const USUAL: u32 = 80;
const LONGEST: u32 = 95;

/// How `count` connections are spread over a drain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Spread {
    count: u32,
    span: Duration,
}

impl Spread {
    /// Over the first four fifths of `drain`; over more of it where that would be more than `most_per_second`. What must
    /// be gone by the end goes by the end, however many there are.
    pub(crate) fn new(count: usize, drain: Duration, most_per_second: u32) -> Self {
        let count = u32::try_from(count).unwrap_or(u32::MAX).max(1);
        let slow = Duration::from_secs(1).mul_f64(f64::from(count) / f64::from(most_per_second.max(1)));
        let span = slow.clamp(drain * USUAL / 100, drain * LONGEST / 100);
        Spread { count, span }
    }

    /// How long the one of number `index` may stay. `chance` is any number: it moves it within its own share of the time.
    pub(crate) fn stay(&self, index: usize, chance: u64) -> Duration {
        let index = u32::try_from(index).unwrap_or(u32::MAX).min(self.count - 1);
        let within = (chance >> 11) as f64 / (1_u64 << 53) as f64;
        self.span.mul_f64((f64::from(index) + within) / f64::from(self.count))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn they_go_one_after_another_and_all_in_time(
            count in 1_usize..3_000,
            drain_ms in 0_u64..400_000,
            most in 1_u32..1_000,
            chance in any::<u64>(),
        ) {
            let drain = Duration::from_millis(drain_ms);
            let spread = Spread::new(count, drain, most);
            let stays: Vec<Duration> = (0..count).map(|index| spread.stay(index, chance)).collect();
            prop_assert!(stays.is_sorted());
            prop_assert!(stays.iter().all(|stay| *stay <= drain * LONGEST / 100));
            // Evenly: each tenth of the time gets its tenth, but for one at either end.
            let tenth = spread.span / 10;
            let early = stays.iter().filter(|stay| **stay < tenth).count();
            prop_assert!(drain_ms < 1_000 || early.abs_diff(count / 10) <= 2, "{} of {}", early, count);
        }
    }

    #[test]
    fn the_cap_stretches_the_time_as_far_as_it_goes() {
        let drain = Duration::from_secs(100);
        assert_eq!(Spread::new(10, drain, 100).span, Duration::from_secs(80));
        assert_eq!(Spread::new(9_000, drain, 100).span, Duration::from_secs(90));
        assert_eq!(Spread::new(90_000, drain, 100).span, Duration::from_secs(95));
    }

    #[test]
    fn one_alone_goes_any_time() {
        let spread = Spread::new(1, Duration::from_secs(10), 100);
        assert_eq!(spread.stay(0, 0), Duration::ZERO);
        assert!(spread.stay(0, u64::MAX) > Duration::from_secs(7));
    }
}
