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
    /// Once the worker ends.
    end: Cell<Option<End>>,
    chance: Cell<u64>,
}

/// How the worker ends.
#[derive(Clone, Copy, Debug)]
struct End {
    /// Everything must be gone by then.
    at: Instant,
    /// Those of an endpoint that gives no more time go by then.
    usual: Instant,
}

/// One long-lived connection as the worker sees it.
#[derive(Debug)]
struct Place {
    /// Of a connection to a client that leads to any endpoint: none.
    endpoint: Option<Arc<Endpoint>>,
    /// It may end by itself: it is told only when the worker ends, and late.
    patient: bool,
    /// It was told that its endpoint left.
    left: Cell<bool>,
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
        self.enter(Some(endpoint.clone()), false)
    }

    /// The same for something that may end by itself, and whose endpoint ends it when that leaves: it is told when the worker
    /// ends, towards the end of the time its endpoint gives.
    pub(crate) fn stay_while_it_can(self: &Rc<Self>, endpoint: &Arc<Endpoint>) -> Stay {
        self.enter(Some(endpoint.clone()), true)
    }

    /// The same for a connection whose requests go to any endpoint: it is to go when the worker ends.
    pub(crate) fn stay_to_the_end(self: &Rc<Self>) -> Stay {
        self.enter(None, false)
    }

    fn enter(self: &Rc<Self>, endpoint: Option<Arc<Endpoint>>, patient: bool) -> Stay {
        let key = self.next.replace(self.next.get().wrapping_add(1));
        let place = Rc::new(Place {
            left: Cell::new(!patient && endpoint.as_ref().is_some_and(|endpoint| endpoint.is_gone())),
            endpoint,
            patient,
            due: Cell::new(None),
            waker: RefCell::default(),
        });
        self.stays.borrow_mut().insert(key, place.clone());
        // It may have begun before the swap that took its endpoint away and come here only now.
        let now = Instant::now();
        let endpoint = place.endpoint.as_deref();
        let ending = self.end.get().map(|end| end.left_for(endpoint, now));
        let gone = endpoint.filter(|_| place.left.get()).map(Endpoint::drain);
        for left in ending.into_iter().chain(gone) {
            self.send_away(now, left, std::slice::from_ref(&place));
        }
        Stay { key, place, worker: self.clone(), alarm: Alarm::default() }
    }

    /// The table changed: connections to endpoints that left it are to go within the time these have, those to endpoints
    /// that came back may stay.
    pub(crate) fn on_swap(&self, now: Instant) {
        let mut going = Vec::new();
        for place in self.stays.borrow().values().filter(|place| !place.patient) {
            let Some(endpoint) = &place.endpoint else { continue };
            match (endpoint.is_gone(), place.left.replace(endpoint.is_gone())) {
                (true, false) => going.push(place.clone()),
                // Where the worker ends it goes all the same.
                (false, true) if self.end.get().is_none() => place.due.set(None),
                (true, true) | (false, _) => {}
            }
        }
        self.send_away_within(now, going, |endpoint| endpoint.map_or(Duration::ZERO, Endpoint::drain));
    }

    /// The worker ends: everything is to be gone by `at`, and what need not stay so long within `usual`. An endpoint whose
    /// own drain is longer gives its connections that.
    pub(crate) fn on_end(&self, now: Instant, at: Instant, usual: Duration) {
        let end = End { at, usual: now + usual };
        self.end.set(Some(end));
        let places = self.stays.borrow().values().cloned().collect();
        self.send_away_within(now, places, |endpoint| end.left_for(endpoint, now));
    }

    /// How many there are.
    #[cfg(test)]
    fn count(&self) -> usize {
        self.stays.borrow().len()
    }

    /// Those with the same time go one after another.
    fn send_away_within(
        &self,
        now: Instant,
        places: Vec<Rc<Place>>,
        time: impl Fn(Option<&Endpoint>) -> Duration,
    ) {
        let mut going: HashMap<Duration, Vec<Rc<Place>>> = HashMap::new();
        for place in places {
            going.entry(time(place.endpoint.as_deref())).or_default().push(place);
        }
        for (drain, places) in going {
            self.send_away(now, drain, &places);
        }
    }

    fn send_away(&self, now: Instant, drain: Duration, places: &[Rc<Place>]) {
        let spread = Spread::new(places.len(), drain, self.most_per_second);
        for (index, place) in places.iter().enumerate() {
            let stay = spread.stay(index, self.roll());
            let due = now + if place.patient { late(stay, drain) } else { stay };
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

/// The last fifth of a time, in place of all of it.
fn late(stay: Duration, drain: Duration) -> Duration {
    drain.saturating_sub(drain.saturating_sub(stay) / 5)
}

impl End {
    /// How long connections to this endpoint, or to none of their own, may stay.
    fn left_for(&self, endpoint: Option<&Endpoint>, now: Instant) -> Duration {
        let usual = self.usual.saturating_duration_since(now);
        endpoint
            .map_or(usual, |endpoint| endpoint.drain().max(usual))
            .min(self.at.saturating_duration_since(now))
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
        let now = Instant::now();
        worker.on_end(now, now + Duration::from_secs(5), Duration::from_secs(5));
        assert!(dues(&[worker.stay(&there)])[0].is_some());
    }

    #[test]
    fn a_clients_own_connection_stays_until_the_worker_ends() {
        let worker = Rc::new(Leaving::new(1));
        let stays: Vec<Stay> = (0..20).map(|_| worker.stay_to_the_end()).collect();
        let now = Instant::now();
        worker.on_swap(now);
        assert!(dues(&stays).iter().all(Option::is_none));
        worker.on_end(now, now + Duration::from_secs(10), Duration::from_secs(10));
        let mut dues: Vec<Duration> = dues(&stays).into_iter().map(|due| due.unwrap() - now).collect();
        dues.sort();
        assert!(dues[0] < Duration::from_secs(1) && dues[19] > Duration::from_secs(6), "{dues:?}");
    }

    /// The latest, in seconds from `now`.
    fn last(stays: &[Stay], now: Instant) -> f64 {
        let dues = dues(stays).into_iter().map(|due| due.unwrap().saturating_duration_since(now));
        dues.max().unwrap().as_secs_f64()
    }

    #[test]
    fn when_the_worker_ends_each_has_the_time_of_its_endpoint_or_the_usual() {
        let worker = Rc::new(Leaving::new(1));
        let (brief, long) =
            (endpoint("brief", Duration::from_secs(5)), endpoint("long", Duration::from_secs(100)));
        let briefs: Vec<Stay> = (0..40).map(|_| worker.stay(&brief)).collect();
        let longs: Vec<Stay> = (0..40).map(|_| worker.stay(&long)).collect();
        let now = Instant::now();
        worker.on_end(now, now + Duration::from_secs(1_000), Duration::from_secs(30));
        assert!((20.0..24.0).contains(&last(&briefs, now)), "{}", last(&briefs, now));
        assert!((70.0..80.0).contains(&last(&longs, now)), "{}", last(&longs, now));
        worker.on_end(now, now + Duration::from_secs(10), Duration::from_secs(10));
        assert!(last(&longs, now) < 8.0, "never longer than the worker");
    }

    #[test]
    fn what_may_end_by_itself_is_told_late_and_by_the_worker_alone() {
        let worker = Rc::new(Leaving::new(1));
        let one = endpoint("one", Duration::from_secs(10));
        let calls: Vec<Stay> = (0..40).map(|_| worker.stay_while_it_can(&one)).collect();
        let now = Instant::now();
        one.set_gone(true);
        worker.on_swap(now);
        assert!(dues(&calls).iter().all(Option::is_none), "its endpoint ends it");
        worker.on_end(now, now + Duration::from_secs(100), Duration::from_secs(5));
        let mut dues: Vec<Duration> = dues(&calls).into_iter().map(|due| due.unwrap() - now).collect();
        dues.sort();
        assert!(dues[0] >= Duration::from_secs(8) && dues[39] <= Duration::from_secs(10), "{dues:?}");
        assert!(dues[39] - dues[0] > Duration::from_secs(1), "one after another: {dues:?}");
    }

    /// An instance that leaves does not wait for a gateway that drains.
    #[test]
    fn an_endpoint_that_leaves_while_the_worker_ends_is_left_in_time() {
        let worker = Rc::new(Leaving::new(1));
        let one = endpoint("one", Duration::from_secs(5));
        let stays: Vec<Stay> = (0..40).map(|_| worker.stay(&one)).collect();
        let now = Instant::now();
        worker.on_end(now, now + Duration::from_secs(30), Duration::from_secs(30));
        assert!(last(&stays, now) > 20.0);
        one.set_gone(true);
        worker.on_swap(now);
        assert!(last(&stays, now) < 4.0, "{}", last(&stays, now));
        one.set_gone(false);
        worker.on_swap(now);
        assert!(dues(&stays).iter().all(Option::is_some), "back or not, the worker ends");
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
