//! Most requests of one client, over all workers.
//!
//! A bucket of tokens is one number, the time at which it will be full again (the generic cell rate algorithm). So a
//! client whose bucket is full need not be known at all: forgetting it changes nothing.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use http::{HeaderName, HeaderValue, Response, header};
use tidegate_core::model::{self, ClientKey};

use super::{PolicyError, whole_seconds};
use crate::client_id::ClientId;
use crate::front::Part;
use crate::page::Page;
use crate::view::RequestView;

/// Workers meet in a shard only when they serve clients of the same one in the same few nanoseconds.
const SHARDS: usize = 64;
/// Most clients of one shard that are known at once; with all shards 65,536, some 2 MiB.
const MOST_IN_SHARD: usize = 1_024;
const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const STATE: HeaderName = HeaderName::from_static("ratelimit");

/// See the module. All times are nanoseconds since it was made.
#[derive(Debug)]
pub(super) struct RateLimit {
    by: ClientKey,
    /// In which one token comes.
    step: u64,
    /// In which an empty bucket fills.
    whole: u64,
    born: Instant,
    hasher: RandomState,
    shards: Box<[Shard]>,
    policy: HeaderValue,
}

/// When the buckets of some clients are full again, by the hash of what tells them apart.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Shard(Mutex<HashMap<u64, u64, foldhash::fast::RandomState>>);

impl RateLimit {
    pub(super) fn compile(model: &model::RateLimit) -> Result<Self, PolicyError> {
        let wrong = |why: &str| PolicyError::new("rate_limit", why);
        if model.requests == 0 || model.burst == 0 || model.per.0 == 0 {
            return Err(wrong("`requests`, `per` and `burst` are at least 1"));
        }
        let per = model.per.0.checked_mul(1_000_000).ok_or_else(|| wrong("`per` is too long"))?;
        let step = (per / u64::from(model.requests)).max(1);
        // A bucket that takes centuries to fill is as good as one that never does.
        let whole = step.saturating_mul(model.burst.into());
        if let ClientKey::Header(name) = &model.by
            && name.parse::<HeaderName>().is_err()
        {
            return Err(wrong(&format!("`{name}` is no name of a field")));
        }
        let seconds = whole_seconds(model.per.to_std());
        let policy = HeaderValue::try_from(format!("\"client\";q={};w={seconds}", model.requests));
        Ok(RateLimit {
            by: model.by.clone(),
            step,
            whole,
            born: Instant::now(),
            hasher: RandomState::new(),
            shards: (0..SHARDS).map(|_| Shard::default()).collect(),
            policy: policy.map_err(|error| wrong(&error.to_string()))?,
        })
    }

    /// The answer to a client that asked too often.
    pub(super) fn refuse(&self, view: &dyn RequestView) -> Option<Response<Part>> {
        let now = self.born.elapsed().as_nanos() as u64;
        let wait = self.take(self.client(view), now).err()?;
        let seconds = whole_seconds(wait);
        let mut response = Page::TOO_MANY.response();
        let headers = response.headers_mut();
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        headers.insert(POLICY, self.policy.clone());
        if let Ok(state) = HeaderValue::try_from(format!("\"client\";r=0;t={seconds}")) {
            headers.insert(STATE, state);
        }
        Some(response)
    }

    /// Takes a token of the client's bucket, or says when there will be one.
    fn take(&self, client: u64, now: u64) -> Result<(), Duration> {
        let shard = &self.shards[client as usize % SHARDS];
        let mut full_at = shard.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = full_at.get(&client).copied();
        let then = known.unwrap_or(now).max(now).saturating_add(self.step);
        if then - now > self.whole {
            return Err(Duration::from_nanos(then - now - self.whole));
        }
        if known.is_none() && full_at.len() >= MOST_IN_SHARD {
            make_room(&mut full_at, now);
        }
        full_at.insert(client, then);
        Ok(())
    }

    fn client(&self, view: &dyn RequestView) -> u64 {
        // Keyed: nobody can look for a client with the bucket of another one.
        self.hasher.hash_one(ClientId::of(&self.by, view))
    }
}

/// Forgets those whose buckets are full; if there are none, the one whose bucket is full next.
fn make_room<S: BuildHasher>(full_at: &mut HashMap<u64, u64, S>, now: u64) {
    full_at.retain(|_, at| *at > now);
    if full_at.len() < MOST_IN_SHARD {
        return;
    }
    let next = full_at.iter().min_by_key(|(_, at)| **at).map(|(client, _)| *client);
    if let Some(next) = next {
        full_at.remove(&next);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use tidegate_core::time::Millis;

    const SECOND: u64 = 1_000_000_000;

    fn limit(requests: u32, per_ms: u64, burst: u32) -> RateLimit {
        RateLimit::compile(&model::RateLimit { requests, per: Millis(per_ms), burst, by: ClientKey::Address })
            .unwrap()
    }

    #[test]
    fn a_burst_at_once_then_one_by_one() {
        let limit = limit(10, 1_000, 3);
        for _ in 0..3 {
            assert_eq!(limit.take(1, SECOND), Ok(()));
        }
        assert_eq!(limit.take(1, SECOND), Err(Duration::from_millis(100)));
        assert_eq!(limit.take(2, SECOND), Ok(()), "another client has a bucket of its own");
        assert_eq!(limit.take(1, SECOND + SECOND / 10), Ok(()));
        assert_eq!(limit.take(1, SECOND + SECOND / 10 + 1), Err(Duration::from_nanos(99_999_999)));
        for _ in 0..3 {
            assert_eq!(limit.take(1, 2 * SECOND), Ok(()));
        }
    }

    #[test]
    fn memory_is_bounded_and_only_idle_clients_are_forgotten() {
        let limit = limit(1, 1_000, 2);
        let busy = 7 * SHARDS as u64;
        assert_eq!((limit.take(busy, 0), limit.take(busy, 0)), (Ok(()), Ok(())));
        for stranger in 0..10_000 {
            limit.take((stranger + 8) * SHARDS as u64, stranger).unwrap();
        }
        assert!(limit.shards[0].0.lock().unwrap().len() <= MOST_IN_SHARD);
        assert!(limit.take(busy, SECOND / 2).is_err());
    }

    #[test]
    fn what_is_no_limit() {
        let compile = |requests, per, burst, by| {
            RateLimit::compile(&model::RateLimit { requests, per: Millis(per), burst, by })
        };
        assert!(compile(0, 1, 1, ClientKey::Address).is_err());
        assert!(compile(1, 0, 1, ClientKey::Address).is_err());
        assert!(compile(1, 1, 0, ClientKey::Address).is_err());
        assert!(compile(1, u64::MAX, 1, ClientKey::Address).is_err());
        assert!(compile(1, 86_400_000, u32::MAX, ClientKey::Address).is_ok(), "a bucket of centuries");
        assert!(compile(1, 1, 1, ClientKey::Header("a b".to_owned())).is_err());
    }

    proptest! {
        /// In any time, no more than the bucket and what came into it.
        #[test]
        fn never_more_than_burst_and_rate(waits in proptest::collection::vec(0u64..400_000_000, 1..200)) {
            let limit = limit(5, 1_000, 4);
            let (mut now, mut passed) = (0, Vec::new());
            for wait in waits {
                now += wait;
                if limit.take(1, now).is_ok() {
                    passed.push(now);
                }
            }
            for (at, first) in passed.iter().enumerate() {
                for (more, last) in passed[at..].iter().enumerate() {
                    prop_assert!((more as u64) < 4 + (last - first) / (SECOND / 5));
                }
            }
        }
    }
}
