//! Looks at an original answer as it goes by to its client.

use std::time::Instant;

use http::{HeaderMap, HeaderValue};

use super::answer::Reading;
use super::pair::Pair;

/// The original's side of a pair. Dropped before the end: the answer broke off, or the client left.
#[derive(Debug)]
pub(crate) struct Witness {
    pair: Pair,
    since: Instant,
    reading: Option<Reading>,
    over: bool,
}

impl Witness {
    pub(super) fn new(pair: Pair, since: Instant) -> Self {
        Witness { pair, since, reading: None, over: false }
    }

    /// The head is here; `revision` says whose.
    pub(crate) fn on_head(&mut self, status: u16, headers: &HeaderMap, revision: &HeaderValue) {
        self.reading = Some(Reading::new(status, headers, revision.clone(), self.since));
    }

    /// A piece of the body goes by.
    pub(crate) fn on_data(&mut self, data: &[u8]) {
        if let Some(reading) = &mut self.reading {
            reading.on_data(data);
        }
    }

    /// The answer is complete.
    pub(crate) fn on_end(mut self) {
        self.over = true;
        self.pair.on_original(self.reading.take().map(|reading| reading.finish(true)));
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        if !self.over {
            self.pair.on_original(None);
        }
    }
}
