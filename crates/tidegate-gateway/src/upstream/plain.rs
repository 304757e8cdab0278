//! Connections to instances as bytes, for the fast path: opened, kept for the next request, and known to be alive.

use std::cell::RefCell;
use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::kept::{EARLY, keep_for};
use super::link::Link;
use crate::descriptors::{Descriptors, Share, exhausted};
use crate::endpoint::Endpoint;
use crate::limits::Limits;

/// How long room for a connection is waited for, which is longer than workers take to look who asked for it, and how often it
/// is looked for.
const ROOM_WITHIN: Duration = Duration::from_millis(500);
const ROOM_AGAIN: Duration = Duration::from_millis(5);
/// So many are closed at once where room is wanted.
const GIVEN_AT_ONCE: usize = 8;

/// A connection that carries one request at a time. Dropping it closes it.
#[derive(Debug)]
pub(crate) struct Plain {
    pub(crate) link: Link,
    endpoint: Arc<Endpoint>,
    unused_since: Instant,
    expires: Instant,
    /// Of the process's descriptors.
    share: Share,
}

impl Plain {
    /// The connection, for what is not HTTP any more.
    pub(super) fn into_link(self) -> (Link, Share) {
        (self.link, self.share)
    }

    fn note_close(&self, now: Instant) {
        if now.saturating_duration_since(self.unused_since) < EARLY {
            self.endpoint.manners().on_early_close();
        }
    }
}

/// The connections one worker keeps. Not shared: taking one costs no lock.
#[derive(Debug)]
pub(crate) struct Plains {
    limits: Limits,
    descriptors: Arc<Descriptors>,
    /// No client waits for what is opened here.
    spare: bool,
    by_endpoint: RefCell<HashMap<u64, Vec<Plain>, foldhash::fast::RandomState>>,
}

impl Plains {
    pub(crate) fn new(limits: Limits, descriptors: Arc<Descriptors>) -> Self {
        Plains { limits, descriptors, spare: false, by_endpoint: RefCell::default() }
    }

    /// The same for copies, which get what is left.
    pub(crate) fn spare(limits: Limits, descriptors: Arc<Descriptors>) -> Self {
        Plains { spare: true, ..Plains::new(limits, descriptors) }
    }

    /// Opens a connection; see [`is_ours`](crate::upstream::is_ours) where it fails.
    pub(crate) async fn connect(&self, endpoint: &Arc<Endpoint>, within: Duration) -> io::Result<Plain> {
        let share = self.room(within).await?;
        let link = Link::open(endpoint, within).await?;
        let now = Instant::now();
        Ok(Plain { link, endpoint: endpoint.clone(), unused_since: now, expires: now, share })
    }

    /// Room for one more connection, for which one that is kept unused is closed.
    pub(super) async fn room(&self, within: Duration) -> io::Result<Share> {
        let until = Instant::now() + within.min(ROOM_WITHIN);
        loop {
            let share = if self.spare { self.descriptors.spare_link() } else { self.descriptors.link() };
            if let Some(share) = share {
                return Ok(share);
            }
            if self.give_way() {
                continue;
            }
            if self.spare || Instant::now() >= until {
                return Err(exhausted());
            }
            // Another worker may have one that it does not use.
            self.descriptors.ask_for_room();
            tokio::time::sleep(ROOM_AGAIN).await;
        }
    }

    /// Closes all connections that nobody uses.
    pub(super) fn clear(&self) {
        self.by_endpoint.borrow_mut().clear();
    }

    /// Closes some of them: whether there were any.
    fn give_way(&self) -> bool {
        let mut all = self.by_endpoint.borrow_mut();
        let Some(kept) = all.values_mut().max_by_key(|kept| kept.len()) else { return false };
        // Those that have lain longest.
        let some = kept.len().min(GIVEN_AT_ONCE);
        kept.drain(..some);
        some > 0
    }

    /// One for the next request, at the time `now`. `repeatable`: the request may be sent again should the connection be
    /// dead all the same; if not, only one that was in use a moment ago will do.
    pub(crate) fn take(&self, endpoint: &Endpoint, repeatable: bool, now: Instant) -> Option<Plain> {
        if !repeatable && !endpoint.manners().trusted() {
            return None;
        }
        let longest = if repeatable { self.limits.upstream_idle } else { self.limits.unsafe_reuse };
        let mut all = self.by_endpoint.borrow_mut();
        let kept = all.get_mut(&endpoint.uid)?;
        while let Some(plain) = kept.pop() {
            if now >= plain.expires {
                continue;
            }
            if now.saturating_duration_since(plain.unused_since) >= longest {
                // The newest is too old for this request: so are the others.
                kept.push(plain);
                return None;
            }
            if plain.link.seems_quiet() && (repeatable || plain.link.is_quiet()) {
                return Some(plain);
            }
            plain.note_close(now);
            // Trust may just have been lost.
            if !repeatable {
                return None;
            }
        }
        None
    }

    /// Puts one back after an answer that was read to its end. `hint`: how long the endpoint said it keeps it.
    pub(crate) fn put(&self, mut plain: Plain, hint: Option<Duration>, now: Instant) {
        let keep = keep_for(self.limits.upstream_idle, hint);
        if plain.endpoint.is_gone() || keep.is_zero() {
            return;
        }
        plain.unused_since = now;
        plain.expires = now + keep;
        plain.endpoint.manners().on_kept();
        let mut all = self.by_endpoint.borrow_mut();
        let kept = all.entry(plain.endpoint.uid).or_default();
        if kept.len() < self.limits.kept {
            kept.push(plain);
        }
    }

    /// Closes what is too old, dead, or of an endpoint that left the table.
    pub(crate) fn sweep(&self) {
        let now = Instant::now();
        self.by_endpoint.borrow_mut().retain(|_, kept| {
            kept.retain(|plain| {
                let alive = plain.link.seems_quiet();
                if !alive {
                    plain.note_close(now);
                }
                alive && now < plain.expires && !plain.endpoint.is_gone()
            });
            !kept.is_empty()
        });
    }
}
