//! The budget of repeats: so many in percent of the requests of the last seconds, so that a service in trouble does not
//! get a multiple of its load.

/// What is looked at, in seconds.
const WINDOW: u64 = 10;
/// Repeats in each second that are always free: a service with little traffic may repeat too.
const FREE: u64 = 5;

/// Repeats of the last seconds against requests. It is asked only when something is to be repeated, and learns then how
/// many requests there were since it was last asked.
#[derive(Clone, Debug, Default)]
pub struct Budget {
    seconds: [Second; WINDOW as usize],
    /// The last second it knows.
    last: u64,
    /// Requests until then.
    seen: u64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Second {
    requests: u64,
    repeats: u64,
}

impl Budget {
    /// Whether one more repeat is within `percent` of the requests, of which there were `requests` since the beginning.
    /// If so, it is spent. No percent: no repeats.
    pub fn spend(&mut self, percent: u32, requests: u64, now_us: u64) -> bool {
        self.advance(requests, now_us / 1_000_000);
        let (requests, repeats) =
            self.seconds.iter().fold((0, 0), |sum, second| (sum.0 + second.requests, sum.1 + second.repeats));
        let free = if percent == 0 { 0 } else { FREE * WINDOW };
        let spend = repeats < free + requests * u64::from(percent) / 100;
        if spend {
            self.seconds[(self.last % WINDOW) as usize].repeats += 1;
        }
        spend
    }

    /// Nobody knows when the requests since the last call came: they are spread evenly.
    fn advance(&mut self, requests: u64, now: u64) {
        let now = now.max(self.last);
        let new = requests.saturating_sub(self.seen);
        let passed = now - self.last;
        for second in (self.last + 1).max((now + 1).saturating_sub(WINDOW))..=now {
            self.seconds[(second % WINDOW) as usize] = Second { requests: new / passed, repeats: 0 };
        }
        if passed == 0 {
            self.seconds[(now % WINDOW) as usize].requests += new;
        }
        (self.last, self.seen) = (now, self.seen.max(requests));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: u64 = 1_000_000;

    #[test]
    fn a_few_are_free_and_the_rest_is_a_share() {
        let mut budget = Budget::default();
        let spent = |budget: &mut Budget, requests, now| {
            (0..10_000).filter(|_| budget.spend(20, requests, now)).count()
        };
        assert_eq!(spent(&mut budget, 0, 0), 50);
        assert_eq!(spent(&mut budget, 1_000, SECOND), 200);
        assert_eq!(spent(&mut budget, 1_000, 2 * SECOND), 0);
        assert_eq!(spent(&mut budget, 1_000, 60 * SECOND), 50);
        assert!(!Budget::default().spend(0, 1_000, 0));
    }

    #[test]
    fn requests_of_long_ago_pay_for_nothing() {
        let mut budget = Budget::default();
        // 100,000 requests in 1,000 seconds: a thousand in the last ten.
        let spent = (0..10_000).filter(|_| budget.spend(20, 100_000, 1_000 * SECOND)).count();
        assert_eq!(spent, 250);
    }

    proptest! {
        #[test]
        fn the_budget_is_never_exceeded(
            percent in 1_u32..=100,
            events in prop::collection::vec((0_u64..200, 0_u64..50, 0_u64..3 * SECOND), 1..100),
        ) {
            let (mut budget, mut requests, mut now, mut repeats) = (Budget::default(), 0, 0, 0);
            for (came, asked, step) in events {
                requests += came;
                now += step;
                repeats += (0..asked).filter(|_| budget.spend(percent, requests, now)).count() as u64;
                let windows = now / SECOND / WINDOW + 1;
                prop_assert!(repeats <= requests * u64::from(percent) / 100 + windows * FREE * WINDOW * 2);
            }
        }
    }
}
