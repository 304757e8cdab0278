//! When a repository is looked at again.

use crate::health::backoff::mix;
use crate::time::{Millis, Moment};

/// The wait after the first look that failed.
const FIRST_WAIT: Millis = Millis::seconds(10);
/// The longest wait after looks that failed.
const LONGEST_WAIT: Millis = Millis::seconds(3_600);

/// After a look that was answered: by polling, earlier or later by up to a tenth, so that repositories that were connected
/// together are not looked at together for ever. `None`: once its host says that something is new.
pub fn after_look(poll: Option<Millis>, now: Moment, seed: u64) -> Option<Moment> {
    let poll = poll?;
    let tenth = poll.0 / 10;
    Some(now + Millis(poll.0 - tenth + mix(seed ^ now.0) % (2 * tenth + 1)))
}

/// After look number `failures` in a row that failed: 10 s, doubling up to an hour, and never sooner than by polling. There may be
/// something new, so it is tried again also where nothing is polled.
pub fn after_failure(poll: Option<Millis>, failures: u32, now: Moment, seed: u64) -> Moment {
    let doubled = FIRST_WAIT.0 << failures.saturating_sub(1).min(20);
    let wait = doubled.min(LONGEST_WAIT.0).max(poll.map_or(0, |poll| poll.0));
    now + Millis(wait + mix(seed ^ now.0) % (wait / 10 + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn polls_are_a_tenth_apart_from_their_time_at_most() {
        let minute = Some(Millis::seconds(60));
        let waits: Vec<u64> =
            (0..100).map(|seed| after_look(minute, Moment(1_000), seed).unwrap().0 - 1_000).collect();
        assert!(waits.iter().all(|wait| (54_000..=66_000).contains(wait)), "{waits:?}");
        assert!(waits.iter().any(|wait| *wait < 58_000) && waits.iter().any(|wait| *wait > 62_000));
        assert_eq!(after_look(None, Moment(1_000), 7), None);
    }

    #[test]
    fn looks_that_fail_are_further_and_further_apart() {
        let waits: Vec<u64> = (1..=12).map(|n| after_failure(None, n, Moment(0), 7).0).collect();
        assert!((10_000..=11_000).contains(&waits[0]), "{waits:?}");
        assert!(waits.windows(2).take(7).all(|pair| pair[1] > pair[0]), "{waits:?}");
        assert!(waits.iter().all(|wait| *wait <= 3_960_000), "{waits:?}");
        let seldom = after_failure(Some(Millis::seconds(600)), 1, Moment(0), 7).0;
        assert!((600_000..=660_000).contains(&seldom), "{seldom}");
    }
}
