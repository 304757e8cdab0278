//! The connections one worker keeps for its next requests: those of HTTP/1.1 here, those of HTTP/2 in [`Shared`]. Not shared: taking one costs no lock.

use std::cell::RefCell;
use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::Lease;
use super::shared::Shared;
use crate::limits::Limits;

/// Closes younger than this are nothing a sensible keep-alive does.
pub(super) const EARLY: Duration = Duration::from_millis(800);

/// See the module.
#[derive(Debug)]
pub(crate) struct Kept {
    limits: Limits,
    by_endpoint: RefCell<HashMap<u64, Vec<Lease>>>,
    pub(super) shared: Shared,
}

impl Kept {
    pub(crate) fn new(limits: Limits) -> Self {
        Kept { limits, by_endpoint: RefCell::default(), shared: Shared::default() }
    }

    /// A connection that is alive now. `repeatable`: the request may be sent again should it die all the same; if not,
    /// only one that was in use a moment ago will do.
    pub(crate) fn take(&self, endpoint: &crate::endpoint::Endpoint, repeatable: bool) -> Option<Lease> {
        if !repeatable && !endpoint.manners().trusted() {
            return None;
        }
        let longest = if repeatable { self.limits.upstream_idle } else { self.limits.unsafe_reuse };
        let now = Instant::now();
        let mut all = self.by_endpoint.borrow_mut();
        let leases = all.get_mut(&endpoint.uid)?;
        while let Some(lease) = leases.pop() {
            if !lease.is_alive() {
                note_close(&lease, now);
                // Trust may just have been lost.
                if !repeatable {
                    return None;
                }
            } else if now < lease.expires && now - lease.unused_since < longest && lease.sender.is_ready() {
                return Some(lease);
            } else if now < lease.expires {
                // The newest is too old for this request, or not through with the last: neither are the others better.
                leases.push(lease);
                return None;
            }
        }
        None
    }

    /// Puts a connection back after an answer that was read to its end. `hint`: how long the endpoint said it keeps it.
    pub(crate) fn put(&self, mut lease: Lease, hint: Option<Duration>) {
        if lease.sender.is_shared() || lease.sender.is_closed() || lease.endpoint.is_gone() {
            return;
        }
        let keep = keep_for(self.limits.upstream_idle, hint);
        if keep.is_zero() {
            return;
        }
        lease.unused_since = Instant::now();
        lease.expires = lease.unused_since + keep;
        lease.endpoint.manners().on_kept();
        let mut all = self.by_endpoint.borrow_mut();
        let leases = all.entry(lease.endpoint.uid).or_default();
        if leases.len() < self.limits.kept {
            leases.push(lease);
        }
    }

    /// Closes what is too old, dead, or of an endpoint that left the table.
    pub(crate) fn sweep(&self) {
        self.shared.sweep();
        let now = Instant::now();
        self.by_endpoint.borrow_mut().retain(|_, leases| {
            leases.retain(|lease| {
                let alive = lease.is_alive();
                if !alive {
                    note_close(lease, now);
                }
                alive && now < lease.expires && !lease.endpoint.is_gone()
            });
            !leases.is_empty()
        });
    }
}

fn note_close(lease: &Lease, now: Instant) {
    if now - lease.unused_since < EARLY {
        lease.endpoint.manners().on_early_close();
    }
}

/// A margin below the hint: the answer was on its way when the endpoint's clock began.
pub(super) fn keep_for(most: Duration, hint: Option<Duration>) -> Duration {
    const MARGIN: Duration = Duration::from_millis(500);
    hint.map_or(most, |hint| hint.saturating_sub(MARGIN).min(most))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hint_only_shortens() {
        let most = Duration::from_millis(1_500);
        assert_eq!(keep_for(most, None), most);
        assert_eq!(keep_for(most, Some(Duration::from_secs(5))), most);
        assert_eq!(keep_for(most, Some(Duration::from_secs(1))), Duration::from_millis(500));
        assert_eq!(keep_for(most, Some(Duration::ZERO)), Duration::ZERO);
    }
}
