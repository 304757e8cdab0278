//! A request's way to its place: in by the circuit, to an endpoint of its arm, or into the line, and elsewhere when that
//! came to nothing. Both of the gateway's paths come through here.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::badge::Badge;
use crate::balance::{Ask, Call, Entrance, Failure, Tries, Waiter, micros};
use crate::count::Outcome;
use crate::page::Page;
use crate::route::{Arm, Found, Seated, Upstream};
use crate::ticket::Ticket;
use crate::view::RequestView;
use crate::worker::Worker;

/// What a request gets that may go on.
#[derive(Debug)]
pub(crate) enum Entry {
    /// A place.
    Ticket(Ticket),
    /// A place in line; see [`Worker::seated`].
    Line(Box<InLine>),
}

impl Entry {
    /// The endpoint, where it is known already.
    pub(crate) fn endpoint(&self) -> Option<u64> {
        match self {
            Entry::Ticket(ticket) => Some(ticket.endpoint.uid),
            Entry::Line(_) => None,
        }
    }
}

/// A request that waits for a place.
#[derive(Debug)]
pub(crate) struct InLine {
    waiter: Waiter,
    ask: Ask,
    badge: Arc<Badge>,
    since: Instant,
    until: Option<Instant>,
    counted: bool,
}

impl Worker {
    /// The place of a request that was assigned to this arm.
    pub(crate) fn enter(
        &self,
        upstream: &Upstream,
        assigned: usize,
        view: &dyn RequestView,
    ) -> Result<Entry, Page> {
        let at = Instant::now();
        let ask = self.ask(upstream, view, at);
        upstream.shared.on_request(self.index);
        let wanted = &upstream.arms[assigned];
        let entered = self.enter_arm(upstream, assigned, &ask, at);
        if entered.is_err() {
            // The assigned arm has failed this request.
            wanted.bare.add(self.index, Outcome::Reset, Duration::ZERO);
        }
        entered
    }

    fn enter_arm(&self, upstream: &Upstream, assigned: usize, ask: &Ask, at: Instant) -> Result<Entry, Page> {
        let wanted = &upstream.arms[assigned];
        let until = wanted.badge.terms.total.map(|total| at + total);
        let guard = wanted.badge.guard.as_ref();
        let entrance = guard.map_or(Entrance::Open, |guard| guard.enter(ask.now));
        if let Entrance::Closed(wait) = entrance {
            return Err(Page::CIRCUIT_OPEN.retry_after(wait));
        }
        let seated = if guard.is_some_and(|guard| guard.has_line()) {
            Seated::Full
        } else {
            upstream.seat(assigned, ask)
        };
        match seated {
            Seated::At(arm, place) if std::ptr::eq(arm, wanted) => {
                let ticket = Ticket::take(self.index, (arm, place), *ask, at, until);
                return Ok(Entry::Ticket(if entrance == Entrance::Trial {
                    ticket.on_trial()
                } else {
                    ticket
                }));
            }
            Seated::At(..) | Seated::Full | Seated::Nobody => {}
        }
        if let Some(guard) = guard.filter(|_| entrance == Entrance::Trial) {
            guard.on_lost_trial();
        }
        match seated {
            Seated::At(arm, place) => {
                // The assigned arm has failed this request, even if another helps out.
                wanted.bare.add(self.index, Outcome::Reset, Duration::ZERO);
                let ticket = Ticket::take(self.index, (arm, place), *ask, at, until);
                Ok(Entry::Ticket(ticket.uncounted()))
            }
            Seated::Full => wait_in(wanted, (*ask, true), at, until),
            Seated::Nobody => Err(Page::NO_ENDPOINT),
        }
    }

    /// Another place for a request after an attempt that failed so, if there may be another attempt: of the same arm if
    /// there is one. By the table of now: an endpoint that left it in the meantime gets nothing.
    pub(crate) fn readmit(
        &self,
        host: &str,
        path: &str,
        failed: &Ticket,
        (tries, failure): (&mut Tries, Failure),
    ) -> Option<Entry> {
        let at = Instant::now();
        let ask = self.again(failed.ask, at);
        if failure == Failure::Unsent {
            failed.endpoint.health.on_unreachable(ask.now);
        }
        let more = tries.on_failure(failed.endpoint.uid, failure, failed.terms());
        let in_time = failed.until.is_none_or(|until| at < until);
        if !more || !in_time {
            return None;
        }
        let table = self.table();
        let Found::Upstream(_, upstream) = table.find(host, path) else { return None };
        let same = upstream.arm_like(&failed.badge);
        match upstream.seat_again(same.unwrap_or(0), &ask, tries, failure) {
            Seated::At(arm, place) => {
                let ticket = Ticket::take(self.index, (arm, place), ask, at, failed.until);
                Some(Entry::Ticket(ticket.uncounted()))
            }
            Seated::Full => wait_in(&upstream.arms[same?], (ask, false), at, failed.until).ok(),
            Seated::Nobody => None,
        }
    }

    /// Waits until the request has its place.
    pub(crate) async fn seated(&self, host: &str, path: &str, mut entry: Entry) -> Result<Ticket, Page> {
        loop {
            let line = match entry {
                Entry::Ticket(ticket) => return Ok(ticket),
                Entry::Line(line) => line,
            };
            entry = self.next_in_line(host, path, *line).await?;
        }
    }

    async fn next_in_line(&self, host: &str, path: &str, line: InLine) -> Result<Entry, Page> {
        let InLine { waiter, ask, badge, since, until, counted } = line;
        let last = waiter.deadline();
        let call = waiter.wait().await;
        let at = Instant::now();
        let ask = self.again(ask, at);
        let table = self.table();
        let Found::Upstream(_, upstream) = table.find(host, path) else { return Err(Page::NO_ENDPOINT) };
        let same = upstream.arm_like(&badge);
        if let (Call::Seat(seat), Some(index)) = (&call, same)
            && let Some((arm, place)) = upstream.place_of(index, seat.endpoint.uid)
        {
            // The seat's own place is given back when it is dropped.
            place.endpoint.enter();
            let ticket = Ticket::take(self.index, (arm, place), ask, since, until);
            return Ok(Entry::Ticket(if counted { ticket } else { ticket.uncounted() }));
        }
        if matches!(call, Call::Late) || at >= last {
            if let Some(index) = same.filter(|_| counted) {
                upstream.arms[index].bare.add(self.index, Outcome::Timeout, at - since);
            }
            return Err(Page::OVERLOADED);
        }
        self.enter_arm(upstream, same.unwrap_or(0), &ask, at)
    }

    /// What a pick for this request depends on.
    pub(crate) fn ask(&self, upstream: &Upstream, view: &dyn RequestView, at: Instant) -> Ask {
        let location = upstream.location_of(view, &self.atlas);
        Ask { now: micros(at), turn: self.rotate(), key: upstream.key_of(view), location }
    }

    fn again(&self, ask: Ask, at: Instant) -> Ask {
        Ask { now: micros(at), turn: self.rotate(), ..ask }
    }
}

fn wait_in(
    arm: &Arm,
    (ask, counted): (Ask, bool),
    since: Instant,
    until: Option<Instant>,
) -> Result<Entry, Page> {
    let guard = arm.badge.guard.as_ref();
    let Some(waiter) = guard.and_then(|guard| guard.join(since)) else {
        let wait = guard.map_or(1, |guard| guard.retry_after());
        return Err(Page::OVERLOADED.retry_after(wait));
    };
    let badge = arm.badge.clone();
    Ok(Entry::Line(Box::new(InLine { waiter, ask, badge, since, until, counted })))
}
