//! Connections to instances as bytes, for the fast path: opened, kept for the next request, and known to be alive.

use std::cell::RefCell;
use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::kept::{EARLY, keep_for};
use super::link::Link;
use crate::endpoint::Endpoint;
use crate::limits::Limits;

/// A connection that carries one request at a time. Dropping it closes it.
#[derive(Debug)]
pub(crate) struct Plain {
    pub(crate) link: Link,
    endpoint: Arc<Endpoint>,
    unused_since: Instant,
    expires: Instant,
}

impl Plain {
    /// Opens one.
    pub(crate) async fn connect(endpoint: &Arc<Endpoint>, within: Duration) -> io::Result<Plain> {
        let link = Link::open(endpoint, within).await?;
        let now = Instant::now();
        Ok(Plain { link, endpoint: endpoint.clone(), unused_since: now, expires: now })
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
    by_endpoint: RefCell<HashMap<u64, Vec<Plain>, foldhash::fast::RandomState>>,
}

impl Plains {
    pub(crate) fn new(limits: Limits) -> Self {
        Plains { limits, by_endpoint: RefCell::default() }
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
