//! How long an upstream is waited for and what may be repeated there: small, copied into every ticket.

use std::time::Duration;

use tidegate_core::model::{Retries, TrafficPolicy};
use tidegate_core::time::Millis;

use crate::limits::Limits;

/// Repeats in percent of requests where the policy does not say.
const DEFAULT_BUDGET: u32 = 20;

/// The effective settings of an upstream: its policy's, or else the gateway's.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terms {
    /// For a connection.
    pub(crate) connect: Duration,
    /// From the request's last byte to the answer's first.
    pub(crate) first_byte: Duration,
    /// Between two bytes of a body.
    pub(crate) idle: Duration,
    /// Between two bytes of an upgraded connection; `None`: it may be silent for ever.
    pub(crate) tunnel_idle: Option<Duration>,
    /// From the request's head to the answer's end; `None`: for ever.
    pub(crate) total: Option<Duration>,
    /// Repeats besides the first attempt, of requests that an endpoint may have seen.
    pub(super) repeats: u32,
    /// Most repeats, in percent of the requests of the last seconds.
    pub(super) budget: u32,
    /// Whether answers 502, 503 and 504 are repeated too.
    pub(super) on_5xx: bool,
    /// Whether the same endpoint may be asked again where there is no other.
    pub(crate) same: bool,
}

impl Terms {
    /// Of this policy under these limits.
    pub(crate) fn new(policy: &TrafficPolicy, limits: &Limits) -> Self {
        let or = |own: Option<Millis>, limit| own.map_or(limit, Millis::to_std);
        // Once only where nothing is said: a request that ends the instance it meets must not meet them all.
        let usual = Retries { attempts: 1, budget: DEFAULT_BUDGET, on_5xx: false };
        let retries = policy.retries.unwrap_or(usual);
        Terms {
            connect: or(policy.timeouts.connect, limits.connect),
            first_byte: or(policy.timeouts.first_byte, limits.first_byte),
            idle: or(policy.timeouts.idle, limits.stall),
            tunnel_idle: policy.timeouts.idle.map(Millis::to_std),
            total: policy.timeouts.total.map(Millis::to_std),
            repeats: retries.attempts,
            budget: retries.budget,
            on_5xx: retries.on_5xx,
            same: policy.retries.is_some(),
        }
    }

    /// Whether an answer with this status is repeated where the request may be.
    pub(crate) fn repeats_status(&self, status: u16) -> bool {
        self.on_5xx && matches!(status, 502..=504)
    }
}
