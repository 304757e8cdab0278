//! The part of a traffic policy that can be used. What cannot is left out, loudly: one service's mistake must not keep the
//! tables of all the others away, and must not make its own requests wait for ever.

use std::borrow::Cow;

use tidegate_core::model::{Match, TrafficPolicy};
use tidegate_core::time::Millis;

/// No setting means more than a year, and an instant further away may be none.
const LONGEST: Millis = Millis(366 * 24 * 60 * 60 * 1_000);

/// The policy of this upstream without the settings that cannot be used; each is told in the log.
pub(crate) fn usable<'a>(upstream: &str, policy: &'a TrafficPolicy) -> Cow<'a, TrafficPolicy> {
    let mut usable = Cow::Borrowed(policy);
    for (field, bad, leave_out) in RULES {
        if bad(policy) {
            tracing::error!(upstream, field, "the setting cannot be used and is left out");
            leave_out(usable.to_mut());
        }
    }
    usable
}

/// A setting, whether it cannot be used, and how it is left out.
type Rule = (&'static str, fn(&TrafficPolicy) -> bool, fn(&mut TrafficPolicy));

const RULES: [Rule; 7] = [
    ("slow_start", |policy| too_long(policy.slow_start), |policy| policy.slow_start = None),
    (
        "outliers",
        |policy| policy.outliers.is_some_and(|it| it.consecutive == 0 || bad(it.eject)),
        |policy| policy.outliers = None,
    ),
    (
        "concurrency",
        |policy| {
            policy.concurrency.is_some_and(|it| it.per_instance == 0 || too_long(Some(it.queue_timeout)))
        },
        |policy| policy.concurrency = None,
    ),
    ("timeouts", bad_timeouts, |policy| policy.timeouts = Default::default()),
    ("breaker", bad_breaker, |policy| policy.breaker = None),
    (
        "assign.rules",
        |policy| policy.assign.rules.iter().any(|rule| empty(&rule.when)),
        // A rule without a condition would take every request to its arm.
        |policy| policy.assign.rules.retain(|rule| !empty(&rule.when)),
    ),
    (
        "mirror",
        |policy| policy.mirror.as_ref().is_some_and(|mirror| mirror.percent > 100),
        |policy| policy.mirror = None,
    ),
];

fn bad_timeouts(policy: &TrafficPolicy) -> bool {
    let times = &policy.timeouts;
    [times.connect, times.first_byte, times.idle, times.total].into_iter().flatten().any(bad)
}

fn bad_breaker(policy: &TrafficPolicy) -> bool {
    policy.breaker.is_some_and(|breaker| {
        !(1..=100).contains(&breaker.failures) || bad(breaker.window) || bad(breaker.open)
    })
}

fn empty(when: &[Match]) -> bool {
    when.is_empty()
}

fn bad(time: Millis) -> bool {
    time.0 == 0 || time > LONGEST
}

fn too_long(time: Option<Millis>) -> bool {
    time.is_some_and(|time| time > LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidegate_core::model::{Breaker, Concurrency, Timeouts};

    #[test]
    fn a_good_policy_stays_as_it_is() {
        let policy = TrafficPolicy {
            concurrency: Some(Concurrency { per_instance: 1, queue: 0, queue_timeout: Millis(1) }),
            timeouts: Timeouts { total: Some(Millis(30_000)), ..Timeouts::default() },
            ..TrafficPolicy::default()
        };
        assert!(matches!(usable("web", &policy), Cow::Borrowed(_)));
    }

    #[test]
    fn only_what_cannot_be_used_is_left_out() {
        let breaker = Breaker { failures: 50, min_requests: 1, window: Millis(0), open: Millis(1) };
        let concurrency = Concurrency { per_instance: 0, queue: 5, queue_timeout: Millis(u64::MAX) };
        let policy = TrafficPolicy {
            breaker: Some(breaker),
            concurrency: Some(concurrency),
            slow_start: Some(Millis(5)),
            ..TrafficPolicy::default()
        };
        let kept = TrafficPolicy { slow_start: Some(Millis(5)), ..TrafficPolicy::default() };
        assert_eq!(*usable("web", &policy), kept);
    }
}
