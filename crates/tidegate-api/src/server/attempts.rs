//! Who shows wrong tokens and codes: after some of them an address waits. A bucket for each address, which fills again by itself, and
//! one for all of them together: where that is empty, who has shown nothing wrong lately is still heard. So nobody is kept out by what
//! others guess from elsewhere. What is right was never a guess, and over the unix socket nobody waits.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Of one address (of IPv6: of a network of 64 bits), at once and in each minute.
const MOST: u32 = 10;
/// Of everybody together, at once and in each minute.
const MOST_OF_ALL: u32 = 300;
/// In which a bucket fills.
const FILLS_WITHIN: Duration = Duration::from_secs(60);
/// How many addresses are known at the same time. Who has the least left to wait is forgotten first.
const MOST_KNOWN: usize = 4_096;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Attempts(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    of: BTreeMap<IpAddr, Bucket>,
    all: Option<Bucket>,
}

/// So many attempts that come back one by one: when all of them are back.
#[derive(Clone, Copy, Debug)]
struct Bucket {
    most: u32,
    full_at: Instant,
}

impl Bucket {
    fn full(most: u32, now: Instant) -> Self {
        Bucket { most, full_at: now }
    }

    /// In which one comes back.
    fn each(&self) -> Duration {
        FILLS_WITHIN / self.most
    }

    fn is_full(&self, now: Instant) -> bool {
        self.full_at <= now
    }

    fn take(&mut self, now: Instant) {
        self.full_at = (self.full_at.max(now) + self.each()).min(now + FILLS_WITHIN);
    }

    /// How many seconds are left until there is one.
    fn wait(&self, now: Instant) -> Result<(), u64> {
        let missing = self.full_at.saturating_duration_since(now);
        let over = missing.saturating_sub(FILLS_WITHIN - self.each());
        if over.is_zero() { Ok(()) } else { Err(over.as_millis().div_ceil(1_000) as u64) }
    }
}

impl Attempts {
    /// Whether somebody may show something; how many seconds they wait where not. `None`: over the unix socket.
    pub(super) fn may(&self, from: Option<IpAddr>, now: Instant) -> Result<(), u64> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(own) = from.and_then(|from| known.of.get(&from)) else { return Ok(()) };
        own.wait(now)?;
        match &known.all {
            Some(all) if !own.is_full(now) => all.wait(now),
            Some(_) | None => Ok(()),
        }
    }

    /// Counts something wrong.
    pub(super) fn wrong(&self, from: Option<IpAddr>, now: Instant) {
        let Some(from) = from else { return };
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.of.retain(|_, bucket| !bucket.is_full(now));
        if !known.of.contains_key(&from) && known.of.len() >= MOST_KNOWN {
            let oldest = known.of.iter().min_by_key(|(_, bucket)| bucket.full_at).map(|(of, _)| *of);
            oldest.and_then(|oldest| known.of.remove(&oldest));
        }
        known.of.entry(from).or_insert_with(|| Bucket::full(MOST, now)).take(now);
        known.all.get_or_insert_with(|| Bucket::full(MOST_OF_ALL, now)).take(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(number: u32) -> Option<IpAddr> {
        Some(IpAddr::from(number.to_be_bytes()))
    }

    #[test]
    fn who_guesses_waits_and_nobody_elsewhere_does() {
        let (attempts, now) = (Attempts::default(), Instant::now());
        let (eve, ann) = (address(1), address(2));
        for _ in 0..MOST {
            assert_eq!(attempts.may(eve, now), Ok(()));
            attempts.wrong(eve, now);
        }
        assert_eq!(attempts.may(eve, now), Err(6));
        assert_eq!(attempts.may(eve, now + Duration::from_secs(5)), Err(1));
        assert_eq!(attempts.may(ann, now), Ok(()));
        assert_eq!(attempts.may(None, now), Ok(()));
        let later = now + Duration::from_secs(6);
        assert_eq!(attempts.may(eve, later), Ok(()), "one more");
        attempts.wrong(eve, later);
        assert!(attempts.may(eve, later).is_err());
        assert_eq!(attempts.may(eve, later + FILLS_WITHIN), Ok(()));
    }

    #[test]
    fn the_socket_is_never_counted() {
        let (attempts, now) = (Attempts::default(), Instant::now());
        (0..1_000).for_each(|_| attempts.wrong(None, now));
        assert_eq!(attempts.may(None, now), Ok(()));
        assert_eq!(attempts.may(address(1), now), Ok(()));
    }

    #[test]
    fn guesses_from_everywhere_keep_only_those_out_who_guess() {
        let (attempts, now) = (Attempts::default(), Instant::now());
        (0..MOST_OF_ALL).for_each(|number| attempts.wrong(address(number), now));
        assert!(attempts.may(address(7), now).is_err(), "one of them, after one");
        assert_eq!(attempts.may(address(1_000_000), now), Ok(()), "somebody who never guessed");
        assert_eq!(attempts.may(address(7), now + Duration::from_secs(1)), Ok(()));
    }

    #[test]
    fn many_addresses_fill_no_memory() {
        let (attempts, now) = (Attempts::default(), Instant::now());
        for number in 0..=MOST_KNOWN as u32 {
            attempts.wrong(address(number), now + Duration::from_micros(u64::from(number)));
        }
        let known = attempts.0.lock().unwrap();
        assert_eq!(known.of.len(), MOST_KNOWN);
        assert!(!known.of.contains_key(&address(0).unwrap()));
    }
}
