//! Something of which there is only so much, shared by those who see different flags: streams, and bytes that are held for
//! clients. Nobody takes so much that nothing is left for the others.
//!
//! A party is whoever has the same grant: one environment's servers, or its clients. It may have [`SHARE`] times what is
//! free, so that one alone gets four fifths of everything, and two that both want all of it four ninths each.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::keys::Grant;

/// A party's part may be so many times as large as what is free then.
const SHARE: usize = 4;

/// See the module.
#[derive(Debug)]
pub(crate) struct Places {
    most: usize,
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    all: usize,
    by: HashMap<Arc<Grant>, usize>,
}

/// Some that are taken, until it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    places: Arc<Places>,
    party: Arc<Grant>,
    many: usize,
}

impl Places {
    pub(crate) fn new(most: usize) -> Arc<Self> {
        Arc::new(Places { most, taken: Mutex::default() })
    }

    /// Takes so many, if there are so many for this party. One that sees the only flags there are has nobody to leave any to.
    pub(crate) fn take(self: &Arc<Self>, party: &Arc<Grant>, many: usize) -> Option<Place> {
        let mut taken = self.lock();
        let free = self.most.saturating_sub(taken.all);
        let own = taken.by.get(party).copied().unwrap_or_default();
        let alone = party.board.is_empty();
        if many > free || (!alone && own >= free.saturating_mul(SHARE)) {
            return None;
        }
        taken.all += many;
        *taken.by.entry(party.clone()).or_default() += many;
        Some(Place { places: self.clone(), party: party.clone(), many })
    }

    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// Takes so many more.
    pub(crate) fn grow(&mut self, more: usize) -> bool {
        let Some(mut another) = self.places.take(&self.party, more) else { return false };
        self.many += std::mem::take(&mut another.many);
        true
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.lock();
        taken.all -= self.many;
        if let Some(own) = taken.by.get_mut(&self.party) {
            *own -= self.many;
            if *own == 0 {
                taken.by.remove(&self.party);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn party(board: &str) -> Arc<Grant> {
        Arc::new(Grant { board: board.to_owned(), ..Grant::default() })
    }

    fn take_all(places: &Arc<Places>, party: &Arc<Grant>) -> Vec<Place> {
        std::iter::from_fn(|| places.take(party, 1)).collect()
    }

    #[test]
    fn one_party_leaves_some_to_the_others() {
        let places = Places::new(1_000);
        let greedy = take_all(&places, &party("shop/production"));
        assert_eq!(greedy.len(), 800);
        let other = take_all(&places, &party("blog/production"));
        assert_eq!(other.len(), 160);
        drop(greedy);
        assert_eq!(take_all(&places, &party("blog/production")).len(), 640);
        drop(other);
        assert!(places.lock().by.is_empty());
    }

    #[test]
    fn who_is_alone_takes_everything() {
        let places = Places::new(10);
        let all = take_all(&places, &party(""));
        assert_eq!(all.len(), 10);
        drop(all);
        assert_eq!(take_all(&places, &party("")).len(), 10);
    }

    #[test]
    fn what_grows_is_given_back_whole() {
        let places = Places::new(100);
        let mut place = places.take(&party("a/b"), 10).unwrap();
        assert!(place.grow(40) && !place.grow(60));
        assert_eq!(places.lock().all, 50);
        drop(place);
        assert_eq!(places.lock().all, 0);
    }
}
