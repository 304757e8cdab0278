//! What one request was given: into its head, and with its ticket until it is counted.

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};

use super::baggage;
use super::ledger::Sighting;
use super::{FlagRows, Ledger};
use crate::count::Outcome;

/// What goes upstream: `tidegate-flags: new-cart=on, search=b`. A client's own is gone by then.
const FLAGS: HeaderName = HeaderName::from_static("tidegate-flags");

/// See the module. Of a request without a user it is empty.
#[derive(Debug, Default)]
pub(crate) struct Drawn {
    pub(super) flags: Vec<Given>,
}

/// One flag's variant.
#[derive(Debug)]
pub(super) struct Given {
    pub(super) key: Arc<str>,
    pub(super) variant: Box<str>,
    /// Where it is counted, and as whose: each flag has its own way to tell users apart. `None`: it is only told.
    pub(super) counted: Option<(Arc<FlagRows>, u8)>,
    /// Where it is told whom chance gave it.
    pub(super) seen: Option<(Arc<Ledger>, Sighting)>,
}

impl Drawn {
    /// Writes the variants into a head that goes upstream.
    pub(crate) fn write(&self, headers: &mut HeaderMap) {
        baggage::write(headers, self.flags.iter().map(|given| (&*given.key, &*given.variant)));
        if let Some(value) = self.value() {
            headers.insert(FLAGS, value);
        }
    }

    /// Counts the request, as its first attempt ended.
    pub(crate) fn on_end(&self, worker: usize, revision: &HeaderValue, outcome: Outcome, latency: Duration) {
        for given in &self.flags {
            if let Some((rows, cell)) = &given.counted {
                rows.add((&given.variant, revision), (worker, *cell), outcome, latency);
            }
            if let Some((ledger, sighting)) = &given.seen {
                ledger.note(worker, sighting, outcome, latency);
            }
        }
    }

    fn value(&self) -> Option<HeaderValue> {
        let mut value = String::new();
        for given in &self.flags {
            value.push_str(if value.is_empty() { "" } else { ", " });
            value.push_str(&given.key);
            value.push('=');
            baggage::encode(&given.variant, &mut value);
        }
        (!value.is_empty()).then(|| HeaderValue::try_from(value).ok()).flatten()
    }
}
