//! What the workers know of one endpoint, in a few words that each of them reads and writes without waiting.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use tidegate_core::balance::{Ewma, warmth};

use super::Ask;

/// How long an endpoint that accepts no connection is asked last.
const UNREACHABLE: u64 = 1_000_000;

/// See the module. Times are of [`super::micros`].
#[derive(Debug, Default)]
pub(crate) struct Health {
    /// Until when it is asked last: ejected, or unreachable a moment ago.
    out_until: AtomicU64,
    /// Bad outcomes since the last good one.
    streak: AtomicU32,
    /// An [`Ewma`].
    latency: AtomicU64,
    /// Since when it is in a table; 0: always.
    born: AtomicU64,
}

impl Health {
    /// Whether it is asked before those that are not.
    pub(crate) fn is_up(&self, now: u64) -> bool {
        self.out_until.load(Ordering::Relaxed) <= now
    }

    /// Left out until then; 0: not any more.
    pub(crate) fn set_out(&self, until: u64) {
        self.out_until.store(until, Ordering::Relaxed);
    }

    /// It accepted no connection.
    pub(crate) fn on_unreachable(&self, now: u64) {
        self.out_until.fetch_max(now + UNREACHABLE, Ordering::Relaxed);
    }

    /// A good outcome.
    pub(crate) fn on_good(&self) {
        // Nearly always it is 0 already, and reading costs the other workers nothing.
        if self.streak.load(Ordering::Relaxed) != 0 {
            self.streak.store(0, Ordering::Relaxed);
        }
    }

    /// A bad outcome; returns how many there were one after another.
    pub(crate) fn on_bad(&self) -> u32 {
        self.streak.fetch_add(1, Ordering::Relaxed).saturating_add(1)
    }

    /// An answer took so long.
    pub(crate) fn on_latency(&self, now: u64, latency_us: u64) {
        let bits = self.latency.load(Ordering::Relaxed);
        let next = Ewma::from_bits(bits).observe(now, latency_us).to_bits();
        // Another worker was quicker: its sample is as good as this one.
        let _ = self.latency.compare_exchange(bits, next, Ordering::Relaxed, Ordering::Relaxed);
    }

    /// What it costs to ask it, in microseconds; see [`Ewma::cost`].
    pub(crate) fn cost(&self, now: u64) -> Option<f32> {
        Ewma::from_bits(self.latency.load(Ordering::Relaxed)).cost(now)
    }

    /// It appears now, among others that are warm.
    pub(crate) fn set_born(&self, now: u64) {
        self.born.store(now, Ordering::Relaxed);
    }

    /// Whether chance lets it have this request: a new endpoint gets a part of its share for `window`.
    pub(crate) fn is_warm(&self, ask: &Ask, window: u64, uid: u64) -> bool {
        let born = self.born.load(Ordering::Relaxed);
        if born == 0 {
            return true;
        }
        let warmth = warmth(ask.now.saturating_sub(born), window);
        super::ask::scale(ask.chance(uid), 1_000) < warmth as usize
    }
}
