//! Tells those who want to know: events of the timeline become notices, which are kept until they are delivered.
//!
//! A thread of its own, started by the wiring of `tidegate up`; whoever is told may be slow or away, and nothing else waits for it.
//! A notice is written in one transaction with how far the timeline was looked through, so a kill loses none and writes
//! none twice; it is delivered at least once, always with the same id.

mod deliver;
mod smtp;

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};
use std::time::Duration;

use tidegate_core::event::Event;
use tidegate_core::model::{Name, Notify, Occasion};
use tidegate_core::notify::{Notice, next_try};
use tidegate_store::{EventFilter, Reader, Store, StoreError, StoredEvent};

use crate::answer::{rfc3339, store_trouble};
use crate::engine::Time;
use crate::handle::Handle;
use crate::plane::Refusal;
use crate::protection;
use crate::run::Published;
use deliver::Delivery;

/// The longest sleep between two looks.
const PERIOD: Duration = Duration::from_secs(2);
/// Events looked through at once.
const PAGE: usize = 1_000;
/// Notices sent at the same time.
const AT_ONCE: usize = 8;
/// How far the timeline was looked through when a notice was last written.
const SEEN: &str = "courier_seen";
/// The kind of the event that says that somebody could not be told.
const FAILED: &str = "notify.failed";

/// The courier.
pub struct Courier {
    /// Weak, so that it keeps nothing open once the server has ended.
    handle: Weak<Handle>,
    published: Published,
    delivery: Delivery,
    /// How far the timeline was looked through.
    seen: u64,
}

/// What came of a notice.
struct Tried {
    seq: u64,
    notice: Notice,
    answer: Result<(), String>,
}

impl Courier {
    /// Starts it on a thread of its own. It ends with the handle.
    ///
    /// # Errors
    /// Where there is no thread to be had.
    pub fn start(handle: &Arc<Handle>) -> std::io::Result<()> {
        let (published, delivery) = (handle.published().clone(), Delivery::of(handle.data()));
        let handle = Arc::downgrade(handle);
        let go = move || Courier { handle, published, delivery, seen: 0 }.go_on();
        std::thread::Builder::new().name("courier".to_owned()).spawn(go).map(drop)
    }

    fn go_on(mut self) {
        let begun = self
            .handle
            .upgrade()
            .map(|handle| handle.ask(|world, _| begin(world.store).map_err(store_trouble)));
        let Some(Ok(seen)) = begun else { return };
        self.seen = seen;
        loop {
            let newest = self.published.wait_for_event(self.seen, PERIOD);
            let Some(handle) = self.handle.upgrade() else { return };
            if let Err(refusal) = self.look(&handle, newest).and_then(|()| self.send(&handle)) {
                tracing::warn!(error = %refusal, "notices wait");
                drop(handle);
                std::thread::sleep(PERIOD);
            }
        }
    }

    /// Looks through what happened. The loop is asked for nothing where nobody wants to know.
    fn look(&mut self, handle: &Handle, newest: u64) -> Result<(), Refusal> {
        while self.seen < newest {
            let (after, filter) = (self.seen, EventFilter::default());
            let page =
                handle.read(|answers| answers.store.events(after, &filter, PAGE).map_err(store_trouble))?;
            let Some(last) = page.last().map(|event| event.seq) else { break };
            if page.iter().any(|event| Occasion::of(&event.event.kind).is_some()) {
                handle
                    .ask(move |world, time| enter(world.store, time, &page, last).map_err(store_trouble))?;
            }
            self.seen = last;
        }
        Ok(())
    }

    /// Sends what is due, a few at a time.
    fn send(&self, handle: &Handle) -> Result<(), Refusal> {
        let now = self.published.state().now;
        let due = handle.read(|answers| answers.store.due_notices(now, AT_ONCE).map_err(store_trouble))?;
        if due.is_empty() {
            return Ok(());
        }
        let tried = self.try_all(due);
        handle.ask(move |world, time| settle(world.store, time, tried).map_err(store_trouble))
    }

    fn try_all(&self, due: Vec<(u64, Notice)>) -> Vec<Tried> {
        let delivery = &self.delivery;
        std::thread::scope(|scope| {
            let sending: Vec<_> = due
                .into_iter()
                .map(|(seq, notice)| {
                    scope.spawn(move || {
                        let answer = delivery.deliver(&notice);
                        Tried { seq, notice, answer }
                    })
                })
                .collect();
            // One that panicked is tried again: it is still in the store.
            sending.into_iter().filter_map(|thread| thread.join().ok()).collect()
        })
    }
}

/// Where to go on; a data directory without a courier so far begins with what happens next.
fn begin(store: &mut Store) -> Result<u64, StoreError> {
    if let Some(seen) = store.meta(SEEN)?.and_then(|seen| seen.parse().ok()) {
        return Ok(seen);
    }
    let newest = store.latest_seq()?;
    store.transaction(|tx| tx.set_meta(SEEN, &newest.to_string()))?;
    Ok(newest)
}

/// Writes the notices of these events, and that they were looked through.
fn enter(store: &mut Store, time: Time, page: &[StoredEvent], last: u64) -> Result<(), StoreError> {
    let notices = notices_of(store, time, page)?;
    store.transaction(|tx| {
        notices.iter().try_for_each(|notice| tx.put_notice(notice))?;
        tx.set_meta(SEEN, &last.to_string())
    })
}

fn notices_of(store: &Reader, time: Time, page: &[StoredEvent]) -> Result<Vec<Notice>, StoreError> {
    let mut known = BTreeMap::new();
    let mut notices = Vec::new();
    for StoredEvent { seq, unix_ms, event } in page {
        let (Some(occasion), Some(place)) = (Occasion::of(&event.kind), place_of(event)) else { continue };
        if !known.contains_key(&place) {
            known.insert(place.clone(), those_of(store, &place)?);
        }
        for (n, notify) in known[&place].iter().enumerate().filter(|(_, notify)| notify.wants(occasion)) {
            notices.push(Notice {
                seq: *seq,
                place: n,
                to: notify.to.clone(),
                event: event.clone(),
                at: rfc3339(*unix_ms),
                tries: 0,
                due: time.now,
            });
        }
    }
    Ok(notices)
}

fn place_of(event: &Event) -> Option<(Name, Name)> {
    let name = |text: &Option<String>| text.as_deref()?.parse().ok();
    Some((name(&event.app)?, name(&event.environment)?))
}

fn those_of(store: &Reader, (app, environment): &(Name, Name)) -> Result<Vec<Notify>, StoreError> {
    Ok(protection::newest(store, app, environment)?.map(|policy| policy.notify).unwrap_or_default())
}

/// Forgets what was delivered; puts off what was not, or gives it up and says so.
fn settle(store: &mut Store, time: Time, tried: Vec<Tried>) -> Result<(), StoreError> {
    store.transaction(|tx| {
        for Tried { seq, mut notice, answer } in tried {
            let Err(why) = answer else {
                tx.drop_notice(seq)?;
                continue;
            };
            notice.tries += 1;
            tracing::warn!(notice = notice.id(), tries = notice.tries, error = %why, "a notice was not delivered");
            if let Some(wait) = next_try(notice.tries) {
                notice.due = time.now + wait;
                tx.put_off_notice(seq, &notice)?;
            } else {
                tx.drop_notice(seq)?;
                tx.event(&given_up(&notice, &why), time.unix_ms)?;
            }
        }
        Ok(())
    })
}

fn given_up(notice: &Notice, why: &str) -> Event {
    let Event { app, environment, kind, .. } = &notice.event;
    let message = format!("nobody could be told of {kind} by {}: {why}", deliver::way(&notice.to));
    let known = |text: &Option<String>| text.clone().unwrap_or_default();
    Event::about(&known(app), &known(environment), FAILED, message)
}

#[cfg(test)]
mod tests;
