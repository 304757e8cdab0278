//! Logins that were begun and are finished elsewhere. In memory: whoever waits while Tidegate is started again begins again.

use std::collections::BTreeMap;
use std::net::IpAddr;

use sha2::{Digest, Sha256};
use tidegate_core::model::Name;

use super::browser::LocalPath;
use super::refusal;
use crate::plane::Refusal;

/// Of everybody together.
const MOST: usize = 1_024;
/// From one address.
const MOST_FROM_ONE: usize = 32;
/// How long one may take, in milliseconds.
pub(super) const LONGEST_MS: u64 = 15 * 60_000;

/// A login that waits.
#[derive(Clone)]
pub(super) struct Waiting {
    /// Where it was begun.
    pub(super) from: Option<IpAddr>,
    /// When it is over: milliseconds since the Unix epoch.
    pub(super) until_unix_ms: u64,
    /// How it is finished.
    pub(super) by: By,
}

/// How a login is finished. No `Debug`: it is all secret.
#[derive(Clone)]
pub(super) enum By {
    /// The provider sends the browser back.
    Browser { state: String, nonce: String, verifier: String, to: LocalPath },
    /// The provider is asked again and again.
    Device { code: String, token: Name, every_ms: u64, not_before_unix_ms: u64 },
}

/// See the module. Under digests: what a stranger sends is never compared with what somebody else has.
#[derive(Default)]
pub(super) struct Pending(BTreeMap<[u8; 32], Waiting>);

fn digest(login: &str) -> [u8; 32] {
    Sha256::digest(login).into()
}

impl Pending {
    /// Keeps one. Where there are too many, the oldest from where most are goes.
    pub(super) fn add(&mut self, login: &str, waiting: Waiting, now_unix_ms: u64) -> Result<(), Refusal> {
        self.room(waiting.from, now_unix_ms)?;
        if self.0.len() >= MOST {
            self.drop_one();
        }
        self.0.insert(digest(login), waiting);
        Ok(())
    }

    /// Refuses an address that has too many: before anything is asked of the provider for it.
    pub(super) fn room(&mut self, from: Option<IpAddr>, now_unix_ms: u64) -> Result<(), Refusal> {
        self.0.retain(|_, waiting| now_unix_ms < waiting.until_unix_ms);
        let of_one = self.0.values().filter(|waiting| waiting.from == from).count();
        if of_one < MOST_FROM_ONE { Ok(()) } else { Err(refusal::busy()) }
    }

    fn drop_one(&mut self) {
        let mut count: BTreeMap<Option<IpAddr>, usize> = BTreeMap::new();
        self.0.values().for_each(|waiting| *count.entry(waiting.from).or_default() += 1);
        let Some(busiest) = count.into_iter().max_by_key(|(_, count)| *count).map(|(from, _)| from) else {
            return;
        };
        let of_it = self.0.iter().filter(|(_, waiting)| waiting.from == busiest);
        let oldest = of_it.min_by_key(|(_, waiting)| waiting.until_unix_ms).map(|(digest, _)| *digest);
        oldest.and_then(|oldest| self.0.remove(&oldest));
    }

    /// Takes one: it is finished by this, whatever comes of it.
    pub(super) fn take(&mut self, login: &str, now_unix_ms: u64) -> Option<Waiting> {
        self.0.remove(&digest(login)).filter(|waiting| now_unix_ms < waiting.until_unix_ms)
    }

    /// One that may be changed. One that is over is there until it is forgotten.
    pub(super) fn get(&mut self, login: &str) -> Option<&mut Waiting> {
        self.0.get_mut(&digest(login))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waiting(from: u8, until_unix_ms: u64) -> Waiting {
        let by = By::Device {
            code: String::new(),
            token: "laptop".parse().unwrap(),
            every_ms: 0,
            not_before_unix_ms: 0,
        };
        Waiting { from: Some([192, 0, 2, from].into()), until_unix_ms, by }
    }

    #[test]
    fn one_address_has_so_many_at_a_time() {
        let mut pending = Pending::default();
        for number in 0..MOST_FROM_ONE {
            pending.add(&number.to_string(), waiting(1, 100), 0).unwrap();
        }
        assert_eq!(pending.add("more", waiting(1, 100), 99).unwrap_err().code, "oidc::busy");
        pending.add("other", waiting(2, 100), 99).unwrap();
        pending.add("later", waiting(1, 200), 100).unwrap();
        assert_eq!(pending.0.len(), 1, "what is over is forgotten");
    }

    #[test]
    fn who_has_most_makes_room() {
        let mut pending = Pending::default();
        pending.add("own", waiting(255, 1), 0).unwrap();
        for number in 0..MOST {
            let from = (number / MOST_FROM_ONE) as u8;
            pending.add(&number.to_string(), waiting(from, 100 + number as u64), 0).unwrap();
        }
        assert_eq!(pending.0.len(), MOST);
        assert!(pending.take("own", 0).is_some(), "nobody is pushed out by those who begin many");
        assert!(pending.take("own", 0).is_none(), "once");
    }

    #[test]
    fn what_is_over_is_not_taken() {
        let mut pending = Pending::default();
        pending.add("one", waiting(1, 100), 0).unwrap();
        assert!(pending.get("one").is_some() && pending.get("two").is_none());
        assert!(pending.take("one", 100).is_none());
    }
}
