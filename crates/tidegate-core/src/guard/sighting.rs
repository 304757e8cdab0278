//! What is seen of a guarded release at a moment: what gateways counted, and what goes on around it.

use crate::model::{CountsReport, FlagKey, Millionths, RevisionNo};
use crate::time::Moment;

/// What is known of a flag when the gateway has reported.
#[derive(Clone, Copy, Debug)]
pub struct Sighting<'a> {
    /// What the gateway counted, and what those before it did.
    pub reports: &'a [&'a CountsReport],
    /// The flag's app and environment, as upstreams begin: `shop/production/`.
    pub within: &'a str,
    /// The flag.
    pub flag: &'a FlagKey,
    /// The version of its state.
    pub version: u64,
    /// The variant that a share of the users has.
    pub on: &'a str,
    /// The variant of the others.
    pub off: &'a str,
    /// The share of the users that has it.
    pub share: Millionths,
    /// Services that take requests, as the reports name them; none: it is not known yet.
    pub services: &'a [String],
    /// Services that are rolled out at the same time.
    pub rollouts: &'a [Beside],
    /// When it was seen.
    pub now: Moment,
}

/// A service that is rolled out while a release is guarded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Beside {
    /// The service, as the reports name it.
    pub upstream: String,
    /// The stable revision.
    pub stable: RevisionNo,
    /// The candidate.
    pub candidate: RevisionNo,
}

impl Sighting<'_> {
    pub(super) fn covers(&self, upstream: &str) -> bool {
        upstream.starts_with(self.within)
    }
}
