//! `traffic` of a service: how the gateway shares its requests out, and how long it waits for them. One file for each
//! larger key.
//!
//! An environment's keys replace the app's key by key; `false` takes one back.

mod arms;
mod balance;
mod breaker;
mod concurrency;
mod mirror;
mod outliers;
mod retries;
mod sticky;

pub(crate) use arms::{Named as Valued, RawCohort, cohort_of};
pub(crate) use mirror::{RawMirror, RawMirrorTo};
pub(crate) use sticky::RawSticky;

use arms::RawArmRule;
use balance::RawBalance;
use breaker::RawBreaker;
use concurrency::RawConcurrency;
use outliers::RawOutliers;
use retries::RawRetries;
use tidegate_core::model::Protocol;

use super::choice::{Choice, Word};
use super::flag::Flag;
use super::list::ListOf;
use super::or_not::OrNot;
use super::record::record;
use super::time::{DAY, HOUR, Lasting};

record! { merged
    /// How the gateway shares a service's requests out, and how long it waits for them.
    #[schemars(rename = "Traffic")]
    RawTraffic is "`traffic`" {
        /// What instances speak: `http1` (default), `h2c` (gRPC), `https1` or `h2`.
        protocol: Word<Protocol>,
        /// How an instance is chosen. Default `least-request`.
        balance: RawBalance,
        /// Instances in the gateway's own zone are preferred while one is ready.
        zone_aware: Flag,
        /// A new instance's share grows over this time. Default: it has its share at once.
        slow_start: Lasting<0, HOUR>,
        /// Instances that fail are left out for a while: `true`, or when and for how long.
        outliers: OrNot<RawOutliers>,
        /// Most requests at once on one instance, and how many wait.
        concurrency: OrNot<RawConcurrency>,
        /// What is sent again where that is safe: how often, or a map.
        retries: RawRetries,
        /// How long things may take.
        timeouts: RawTimeouts,
        /// Refuses at once while nearly everything fails: `true`, or when.
        breaker: OrNot<RawBreaker>,
        /// Keeps a client on its arm of a rollout: `cookie`, or a map.
        sticky: OrNot<RawSticky>,
        /// Requests that go to stable or candidate by what they are, whatever the weights.
        arms: ListOf<RawArmRule>,
        /// Whether answers say which arm and revision gave them, in `tidegate-arm` and `tidegate-revision`.
        echo_arm: Flag,
        /// A copy of some requests for the candidate or another service; the answers are thrown away.
        mirror: OrNot<RawMirror>,
    }
}

record! { merged
    /// How long things may take. Default: the gateway's own limits.
    #[schemars(rename = "Timeouts")]
    RawTimeouts is "`timeouts`" {
        /// For a connection to an instance.
        connect: Lasting<1, { HOUR / 60 }>,
        /// From the request's last byte to the answer's first.
        first_byte: Lasting<1, DAY>,
        /// Between two bytes of a body or an upgraded connection.
        idle: Lasting<1, DAY>,
        /// From the request's head to the answer's end.
        total: Lasting<1, DAY>,
    }
}

impl Choice for Protocol {
    const WHAT: &'static str = "a protocol";
    const ALL: &'static [(&'static str, Self)] = &[
        ("http1", Protocol::Http1),
        ("h2c", Protocol::H2c),
        ("https1", Protocol::Https1),
        ("h2", Protocol::H2),
    ];
}
