//! How often something happens in a while, by whom it is counted of. Bounded: where there are too many of them, who was counted the
//! longest ago is forgotten.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// How many are counted of at the same time.
const MOST_COUNTED: usize = 4_096;

/// So many in each time of this length.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limit {
    pub(super) most: u32,
    pub(super) within: Duration,
}

/// Webhooks that are not their host's, of one address.
pub(super) const GUESSED: Limit = Limit { most: 20, within: Duration::from_secs(60) };
/// Webhooks that are, of one app.
pub(super) const TAKEN: Limit = Limit { most: 120, within: Duration::from_secs(60) };
/// Refusals of one app in the timeline, which has other things to tell.
pub(super) const TOLD: Limit = Limit { most: 3, within: Duration::from_secs(600) };

/// See the module.
pub(super) struct Often<K> {
    limit: Limit,
    counted: Mutex<BTreeMap<K, (Instant, u32)>>,
}

impl<K: Ord + Clone> Often<K> {
    pub(super) fn new(limit: Limit) -> Self {
        Often { limit, counted: Mutex::default() }
    }

    /// Whether there is room for one more; how many seconds are left to wait where there is not.
    pub(super) fn look(&self, of: &K, now: Instant) -> Result<(), u64> {
        let counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        counted.get(of).map_or(Ok(()), |one| self.room(*one, now))
    }

    /// Counts one more; how many seconds are left to wait where there is no room.
    pub(super) fn count(&self, of: &K, now: Instant) -> Result<(), u64> {
        let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        counted.retain(|_, (since, _)| now.duration_since(*since) < self.limit.within);
        if !counted.contains_key(of) && counted.len() >= MOST_COUNTED {
            let oldest = counted.iter().min_by_key(|(_, (since, _))| *since).map(|(of, _)| of.clone());
            oldest.and_then(|oldest| counted.remove(&oldest));
        }
        let one = counted.entry(of.clone()).or_insert((now, 0));
        self.room(*one, now)?;
        one.1 += 1;
        Ok(())
    }

    fn room(&self, (since, times): (Instant, u32), now: Instant) -> Result<(), u64> {
        let left = self.limit.within.saturating_sub(now.duration_since(since));
        if times < self.limit.most || left.is_zero() { Ok(()) } else { Err(left.as_secs() + 1) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Limit = Limit { most: 2, within: Duration::from_secs(60) };

    #[test]
    fn who_was_counted_too_often_waits_and_nobody_else_does() {
        let (often, now) = (Often::new(LIMIT), Instant::now());
        for _ in 0..2 {
            assert_eq!(often.look(&"a", now), Ok(()));
            assert_eq!(often.count(&"a", now), Ok(()));
        }
        assert_eq!(often.look(&"a", now + Duration::from_secs(59)), Err(2));
        assert!(often.count(&"a", now).is_err());
        assert_eq!(often.look(&"b", now), Ok(()));
        assert_eq!(often.look(&"a", now + LIMIT.within), Ok(()));
        assert_eq!(often.count(&"a", now + LIMIT.within), Ok(()));
    }

    #[test]
    fn many_who_are_counted_once_fill_no_memory() {
        let (often, now) = (Often::new(LIMIT), Instant::now());
        for number in 0..=MOST_COUNTED {
            let _ = often.count(&number, now + Duration::from_millis(number as u64));
        }
        assert_eq!(often.counted.lock().unwrap().len(), MOST_COUNTED);
        assert!(!often.counted.lock().unwrap().contains_key(&0));
    }
}
