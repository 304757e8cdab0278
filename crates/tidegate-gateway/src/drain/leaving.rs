//! How long-lived connections hear that they are to go: each has a place here, and is woken when its endpoint leaves the
//! table or its worker ends. Until then it costs nothing; afterwards, one timer.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use super::Spread;
use crate::endpoint::Endpoint;
use crate::front::Alarm;
use crate::registry::seed;

/// Most long-lived connections that all workers together send away in a second, where time allows.
const MOST_PER_SECOND: u32 = 500;

/// The long-lived connections of one worker.
#[derive(Debug)]
pub(crate) struct Leaving {
    most_per_second: u32,
    stays: RefCell<HashMap<u64, Rc<Place>>>,
    next: Cell<u64>,
    /// When everything must be gone, once the worker ends.
    end: Cell<Option<Instant>>,
    chance: Cell<u64>,
}

/// One long-lived connection as the worker sees it.
#[derive(Debug)]
struct Place {
    /// Of a connection to a client that leads to any endpoint: none.
    endpoint: Option<Arc<Endpoint>>,
    due: Cell<Option<Instant>>,
    waker: RefCell<Option<Waker>>,
}

/// One long-lived connection as it sees itself. It may go on using its endpoint until it is told.
#[derive(Debug)]
pub(crate) struct Stay {
    key: u64,
    place: Rc<Place>,
    worker: Rc<Leaving>,
    alarm: Alarm,
}

impl Leaving {
    /// Of one of so many workers.
    pub(crate) fn new(workers: usize) -> Self {
        let workers = u32::try_from(workers).unwrap_or(u32::MAX).max(1);
        Leaving {
            most_per_second: (MOST_PER_SECOND / workers).max(1),
            stays: RefCell::default(),
            next: Cell::new(0),
            end: Cell::new(None),
            chance: Cell::new(seed()),
        }
    }

    /// A place for a connection that may be open for long. Given back when it is dropped.
    pub(crate) fn stay(self: &Rc<Self>, endpoint: &Arc<Endpoint>) -> Stay {
        self.enter(Some(endpoint.clone()))
    }

    /// The same for a connection whose requests go to any endpoint: it is to go when the worker ends.
    pub(crate) fn stay_to_the_end(self: &Rc<Self>) -> Stay {
        self.enter(None)
    }

    fn enter(self: &Rc<Self>, endpoint: Option<Arc<Endpoint>>) -> Stay {
        let key = self.next.replace(self.next.get().wrapping_add(1));
        let place = Rc::new(Place { endpoint, due: Cell::new(None), waker: RefCell::default() });
        self.stays.borrow_mut().insert(key, place.clone());
        // It may have begun before the swap that took its endpoint away and come here only now.
        let now = Instant::now();
        let left = match (self.end.get(), &place.endpoint) {
            (Some(end), _) => Some(end.saturating_duration_since(now)),
            (None, Some(endpoint)) => endpoint.is_gone().then(|| endpoint.drain()),
            (None, None) => None,
        };
        if let Some(left) = left {
            self.send_away(now, left, std::slice::from_ref(&place));
        }
        Stay { key, place, worker: self.clone(), alarm: Alarm::default() }
    }

    /// The table changed: connections to endpoints that left it are to go within the time these have, those to endpoints
    /// that came back may stay.
    pub(crate) fn on_swap(&self, now: Instant) {
        if self.end.get().is_some() {
            return;
        }
        let mut going: HashMap<Duration, Vec<Rc<Place>>> = HashMap::new();
        for place in self.stays.borrow().values() {
            let Some(endpoint) = &place.endpoint else { continue };
            match (endpoint.is_gone(), place.due.get()) {
                (true, None) => going.entry(endpoint.drain()).or_default().push(place.clone()),
                (false, Some(_)) => place.due.set(None),
                (true, Some(_)) | (false, None) => {}
            }
        }
        for (drain, places) in going {
            self.send_away(now, drain, &places);
        }
    }

    /// The worker ends: everything is to be gone by then.
    pub(crate) fn on_end(&self, now: Instant, end: Instant) {
        self.end.set(Some(end));
        let places: Vec<Rc<Place>> = self.stays.borrow().values().cloned().collect();
        self.send_away(now, end.saturating_duration_since(now), &places);
    }

    /// How many there are.
    #[cfg(test)]
    fn count(&self) -> usize {
        self.stays.borrow().len()
    }

    fn send_away(&self, now: Instant, drain: Duration, places: &[Rc<Place>]) {
        let spread = Spread::new(places.len(), drain, self.most_per_second);
        for (index, place) in places.iter().enumerate() {
            let due = now + spread.stay(index, self.roll());
            // Whoever was told an earlier time goes then.
            place.due.set(Some(place.due.get().map_or(due, |earlier| earlier.min(due))));
            if let Some(waker) = place.waker.borrow_mut().take() {
                waker.wake();
            }
        }
    }

    /// A next number that looks random (splitmix64).
    fn roll(&self) -> u64 {
        let state = self.chance.get().wrapping_add(0x9e37_79b9_7f4a_7c15);
        self.chance.set(state);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

impl Stay {
    /// Ready once the connection is to go. Wakes the task when that may be so.
    pub(crate) fn poll_told(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match self.place.due.get() {
            Some(due) if Instant::now() >= due || self.alarm.expired(cx, due) => return Poll::Ready(()),
            Some(_) | None => {}
        }
        let mut waker = self.place.waker.borrow_mut();
        if !waker.as_ref().is_some_and(|known| known.will_wake(cx.waker())) {
            *waker = Some(cx.waker().clone());
        }
        Poll::Pending
    }
}

impl Drop for Stay {
    fn drop(&mut self) {
        self.worker.stays.borrow_mut().remove(&self.key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;
    use tidegate_core::model::{Address, InstanceId};
    use tokio::sync::Notify;

    fn endpoint(name: &str, drain: Duration) -> Arc<Endpoint> {
        let address = Address::Tcp("127.0.0.1:1".parse().unwrap());
        let made = Endpoint::new(1, InstanceId(name.to_owned()), address, Arc::new(Notify::new()));
        made.set_drain(drain);
        Arc::new(made)
    }

    fn dues(stays: &[Stay]) -> Vec<Option<Instant>> {
        stays.iter().map(|stay| stay.place.due.get()).collect()
    }

    #[test]
    fn those_of_an_endpoint_that_left_go_within_its_drain_and_the_others_stay() {
        let worker = Rc::new(Leaving::new(2));
        let (one, other) =
            (endpoint("one", Duration::from_secs(10)), endpoint("other", Duration::from_secs(10)));
        let going: Vec<Stay> = (0..40).map(|_| worker.stay(&one)).collect();
        let staying = [worker.stay(&other)];
        let now = Instant::now();
        one.set_gone(true);
        worker.on_swap(now);
        assert_eq!(dues(&staying), [None]);
        let mut dues: Vec<Duration> = dues(&going).into_iter().map(|due| due.unwrap() - now).collect();
        dues.sort();
        assert!(dues[0] < Duration::from_millis(200) && dues[39] < Duration::from_secs(8));
        assert!(dues.windows(2).all(|pair| pair[1] - pair[0] < Duration::from_millis(400)), "spread evenly");
        let before: Vec<_> = going.iter().map(|stay| stay.place.due.get()).collect();
        worker.on_swap(now + Duration::from_secs(1));
        assert_eq!(before, self::dues(&going), "told once");
        drop(going);
        assert_eq!(worker.count(), 1);
    }

    #[test]
    fn an_endpoint_that_comes_back_keeps_its_connections() {
        let worker = Rc::new(Leaving::new(1));
        let one = endpoint("one", Duration::from_secs(10));
        let stay = [worker.stay(&one)];
        one.set_gone(true);
        worker.on_swap(Instant::now());
        assert!(dues(&stay)[0].is_some());
        one.set_gone(false);
        worker.on_swap(Instant::now());
        assert_eq!(dues(&stay), [None]);
    }

    #[test]
    fn whoever_comes_late_hears_of_it_at_once() {
        let worker = Rc::new(Leaving::new(1));
        let one = endpoint("one", Duration::from_secs(10));
        one.set_gone(true);
        assert!(dues(&[worker.stay(&one)])[0].is_some());
        let worker = Rc::new(Leaving::new(1));
        let there = endpoint("there", Duration::from_secs(10));
        worker.on_end(Instant::now(), Instant::now() + Duration::from_secs(5));
        assert!(dues(&[worker.stay(&there)])[0].is_some());
    }

    #[test]
    fn a_clients_own_connection_stays_until_the_worker_ends() {
        let worker = Rc::new(Leaving::new(1));
        let stays: Vec<Stay> = (0..20).map(|_| worker.stay_to_the_end()).collect();
        let now = Instant::now();
        worker.on_swap(now);
        assert!(dues(&stays).iter().all(Option::is_none));
        worker.on_end(now, now + Duration::from_secs(10));
        let mut dues: Vec<Duration> = dues(&stays).into_iter().map(|due| due.unwrap() - now).collect();
        dues.sort();
        assert!(dues[0] < Duration::from_secs(1) && dues[19] > Duration::from_secs(6), "{dues:?}");
    }

    #[tokio::test]
    async fn a_waiting_connection_is_woken() {
        let worker = Rc::new(Leaving::new(1));
        let one = endpoint("one", Duration::from_millis(50));
        let mut stay = worker.stay(&one);
        let told = poll_fn(|cx| stay.poll_told(cx));
        let tell = async {
            tokio::task::yield_now().await;
            one.set_gone(true);
            worker.on_swap(Instant::now());
        };
        tokio::time::timeout(Duration::from_secs(5), async { tokio::join!(told, tell) }).await.unwrap();
    }
}
