//! An endpoint as the workers share it: requests in flight, and what was learned of its manners.
//!
//! It outlives the routing table it came from for as long as requests are in flight on it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tidegate_core::model::{Address, InstanceId, Protocol, ServiceSpec};
use tokio::sync::Notify;

use crate::balance::Health;

const PROTOCOLS: [Protocol; 4] = [Protocol::Http1, Protocol::H2c, Protocol::Https1, Protocol::H2];
/// How long an endpoint is watched before a kept connection may carry what must not be sent twice.
const WATCHED: Duration = Duration::from_secs(1);
/// How long an early close is held against an endpoint.
const HELD_AGAINST: Duration = Duration::from_secs(60);

/// One address of one instance.
#[derive(Debug)]
pub(crate) struct Endpoint {
    /// Unique in this process: the key of the workers' pools.
    pub(crate) uid: u64,
    pub(crate) id: InstanceId,
    pub(crate) address: Address,
    /// What it speaks, as the place in `PROTOCOLS`.
    protocol: AtomicU8,
    inflight: AtomicU32,
    gone: AtomicBool,
    drain_ms: AtomicU64,
    idle: Arc<Notify>,
    manners: Manners,
    pub(crate) health: Health,
}

impl Endpoint {
    /// `idle` is told when the endpoint is in no table any more and its last request ended.
    pub(crate) fn new(uid: u64, id: InstanceId, address: Address, idle: Arc<Notify>) -> Self {
        let (inflight, gone) = (AtomicU32::new(0), AtomicBool::new(false));
        let drain_ms = AtomicU64::new(ServiceSpec::DRAIN.0);
        let (manners, health, protocol) = (Manners::new(), Health::default(), AtomicU8::new(0));
        Endpoint { uid, id, address, protocol, inflight, gone, drain_ms, idle, manners, health }
    }

    /// What it speaks.
    pub(crate) fn protocol(&self) -> Protocol {
        let number = usize::from(self.protocol.load(Ordering::Relaxed));
        PROTOCOLS.get(number).copied().unwrap_or_default()
    }

    /// From now on it speaks this.
    pub(crate) fn set_protocol(&self, protocol: Protocol) {
        let number = PROTOCOLS.iter().position(|other| *other == protocol).unwrap_or(0);
        self.protocol.store(number as u8, Ordering::Relaxed);
    }

    /// Requests in flight.
    pub(crate) fn inflight(&self) -> u32 {
        self.inflight.load(Ordering::SeqCst)
    }

    /// Whether no table has it any more.
    pub(crate) fn is_gone(&self) -> bool {
        self.gone.load(Ordering::SeqCst)
    }

    pub(crate) fn set_gone(&self, gone: bool) {
        self.gone.store(gone, Ordering::SeqCst);
    }

    /// How long it is kept after it left the table, for what is in flight on it.
    pub(crate) fn drain(&self) -> Duration {
        Duration::from_millis(self.drain_ms.load(Ordering::Relaxed))
    }

    pub(crate) fn set_drain(&self, drain: Duration) {
        let millis = u64::try_from(drain.as_millis()).unwrap_or(u64::MAX);
        self.drain_ms.store(millis, Ordering::Relaxed);
    }

    pub(crate) fn enter(&self) {
        self.inflight.fetch_add(1, Ordering::SeqCst);
    }

    /// As [`Endpoint::enter`] where fewer than `limit` are in flight.
    pub(crate) fn try_enter(&self, limit: u32) -> bool {
        if limit == u32::MAX {
            self.enter();
            return true;
        }
        let enter = |inflight| (inflight < limit).then_some(inflight + 1);
        self.inflight.fetch_update(Ordering::SeqCst, Ordering::SeqCst, enter).is_ok()
    }

    pub(crate) fn leave(&self) {
        if self.inflight.fetch_sub(1, Ordering::SeqCst) == 1 && self.is_gone() {
            self.idle.notify_one();
        }
    }

    pub(crate) fn manners(&self) -> &Manners {
        &self.manners
    }
}

/// Whether an endpoint closes kept connections while they are young, as servers do that do not announce it. Nothing can
/// tell whether it read a request that was on its way then, so such an endpoint gets those on fresh connections only.
#[derive(Debug)]
pub(crate) struct Manners {
    born: Instant,
    /// Milliseconds since `born`, plus one; 0: never.
    first_kept: AtomicU64,
    last_early_close: AtomicU64,
}

impl Manners {
    fn new() -> Self {
        Manners { born: Instant::now(), first_kept: AtomicU64::new(0), last_early_close: AtomicU64::new(0) }
    }

    /// A connection was kept for the next request.
    pub(crate) fn on_kept(&self) {
        if self.first_kept.load(Ordering::Relaxed) == 0 {
            self.first_kept.store(self.clock(), Ordering::Relaxed);
        }
    }

    /// The endpoint closed a kept connection sooner than any sensible keep-alive ends.
    pub(crate) fn on_early_close(&self) {
        self.last_early_close.store(self.clock(), Ordering::Relaxed);
    }

    /// Whether a kept connection may carry what must not be sent twice.
    pub(crate) fn trusted(&self) -> bool {
        let now = self.clock();
        let first = self.first_kept.load(Ordering::Relaxed);
        let close = self.last_early_close.load(Ordering::Relaxed);
        let watched = first != 0 && now.saturating_sub(first) >= WATCHED.as_millis() as u64;
        watched && (close == 0 || now.saturating_sub(close) >= HELD_AGAINST.as_millis() as u64)
    }

    fn clock(&self) -> u64 {
        self.born.elapsed().as_millis() as u64 + 1
    }
}
