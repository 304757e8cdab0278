//! How many pushes an app gets in a while: whoever has its token cannot keep the machine busy with them.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tidegate_core::model::Name;
use tokio::time::Instant;

/// In each time of this length…
const WHILE: Duration = Duration::from_secs(60);
/// … so many requests of pushes. A large push has two, a small one has one.
const MOST: u32 = 120;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Rate(Mutex<BTreeMap<Name, Counted>>);

#[derive(Debug)]
struct Counted {
    since: Instant,
    requests: u32,
}

impl Rate {
    /// Counts a request made now; how many seconds are left to wait where there were too many.
    pub(super) fn count(&self, app: &Name, now: Instant) -> Result<(), u64> {
        let mut apps = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        apps.retain(|_, counted| now.duration_since(counted.since) < WHILE);
        let counted = apps.entry(app.clone()).or_insert(Counted { since: now, requests: 0 });
        if counted.requests >= MOST {
            return Err(WHILE.saturating_sub(now.duration_since(counted.since)).as_secs() + 1);
        }
        counted.requests += 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_many_wait_for_the_next_minute_and_hold_up_no_other_app() {
        let (rate, now) = (Rate::default(), Instant::now());
        let (shop, blog) = ("shop".parse().unwrap(), "blog".parse().unwrap());
        for _ in 0..MOST {
            assert_eq!(rate.count(&shop, now), Ok(()));
        }
        assert!(matches!(rate.count(&shop, now), Err(60 | 61)));
        assert_eq!(rate.count(&blog, now), Ok(()));
        assert_eq!(rate.count(&shop, now + WHILE), Ok(()));
    }
}
