//! Requests for a service of which nothing runs while nobody asks for it: the first one has it started, all of them are held
//! until an instance takes requests, and none is held for ever. A request that is held has its head in memory and nothing
//! of its body.
//!
//! Asked by the general path alone; the fast path hands such a request over. What is held shows in reports to the control
//! plane, which starts an instance; nothing here does.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use tidegate_core::model;
use tokio::sync::Notify;

use crate::page::Page;
use crate::route::Found;
use crate::worker::Worker;

/// The requests held for one upstream, by all workers and through every table.
#[derive(Debug)]
pub(crate) struct Held {
    count: AtomicU32,
    /// Told when the first one comes.
    wake: Arc<Notify>,
}

/// What a table says of an upstream that may have nothing that runs.
#[derive(Clone, Debug)]
pub(crate) struct Hold {
    held: Arc<Held>,
    most: u32,
    within: Duration,
}

/// The place of a request that is held; free again when it is dropped.
#[derive(Debug)]
struct Place(Arc<Held>);

impl Held {
    pub(crate) fn new(wake: Arc<Notify>) -> Self {
        Held { count: AtomicU32::new(0), wake }
    }

    /// How many there are.
    pub(crate) fn count(&self) -> u32 {
        self.count.load(Ordering::Relaxed)
    }

    fn join(self: &Arc<Self>, most: u32) -> Option<Place> {
        let place = Place(self.clone());
        let before = self.count.fetch_add(1, Ordering::Relaxed);
        if before == 0 {
            self.wake.notify_one();
        }
        (before < most).then_some(place)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.count.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Hold {
    pub(crate) fn new(terms: model::Hold, held: Arc<Held>) -> Self {
        Hold { held, most: terms.most, within: terms.within.to_std() }
    }

    /// After how many seconds a client that was sent away may try again.
    fn retry_after(&self) -> u32 {
        u32::try_from(self.within.as_secs()).unwrap_or(u32::MAX).clamp(1, 10)
    }
}

impl Worker {
    /// Holds a request for which there was no endpoint until there is one. Refused where nothing is to be started for it,
    /// where too many are held, and after its time.
    pub(crate) async fn hold(&self, host: &str, path: &str) -> Result<(), Page> {
        let Some(hold) = self.hold_of(host, path) else { return Err(Page::NO_ENDPOINT) };
        let last = Instant::now() + hold.within;
        let _place = hold.held.join(hold.most).ok_or(Page::MANY_HELD.retry_after(hold.retry_after()))?;
        loop {
            let swapped = self.swapped();
            if self.hold_of(host, path).is_none() {
                return Ok(());
            }
            if tokio::time::timeout_at(last.into(), swapped).await.is_err() {
                return Err(Page::COLD_START.retry_after(hold.retry_after()));
            }
        }
    }

    /// How requests to this place are held, where nothing runs there.
    fn hold_of(&self, host: &str, path: &str) -> Option<Hold> {
        match self.table().find(host, path) {
            Found::Upstream(_, upstream) if upstream.arms.is_empty() => upstream.hold.clone(),
            Found::Upstream(..) | Found::NoUpstream(_) | Found::NoRoute | Found::Ambiguous => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_never_more_than_may_be_and_every_place_is_given_back() {
        let held = Arc::new(Held::new(Arc::default()));
        let places: Vec<_> = (0..3).filter_map(|_| held.join(2)).collect();
        assert_eq!((places.len(), held.count()), (2, 2));
        drop(places);
        assert_eq!(held.count(), 0);
    }

    #[tokio::test]
    async fn the_first_one_wakes() {
        let wake = Arc::new(Notify::new());
        let held = Arc::new(Held::new(wake.clone()));
        let _place = held.join(2);
        wake.notified().await;
    }
}
