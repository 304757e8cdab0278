//! Looks at an original answer as it goes by to its client.

use std::sync::Arc;
use std::time::Instant;

use http::{HeaderMap, HeaderValue};
use tokio::sync::oneshot;

use super::answer::{Answer, Reading};
use super::budget::Room;
use super::terms::Terms;

/// The client's side of a case. Dropped before the end: the answer broke off, or the client left.
#[derive(Debug)]
pub(crate) struct Witness {
    tell: oneshot::Sender<Answer>,
    terms: Arc<Terms>,
    room: Option<Room>,
    since: Instant,
    reading: Option<Reading>,
}

impl Witness {
    /// `room`: for what is kept of the answer.
    pub(super) fn new(tell: oneshot::Sender<Answer>, terms: Arc<Terms>, room: Room) -> Self {
        Witness { tell, terms, room: Some(room), since: Instant::now(), reading: None }
    }

    /// The head is here; `revision` says whose.
    pub(crate) fn on_head(&mut self, status: u16, headers: &HeaderMap, revision: &HeaderValue) {
        let (revision, room) = (revision.clone(), self.room.take());
        self.reading = Some(Reading::new((status, headers), revision, self.since, &self.terms, room));
    }

    /// A piece of the body goes by.
    pub(crate) fn on_data(&mut self, data: &[u8]) {
        if let Some(reading) = &mut self.reading {
            reading.on_data(data);
        }
    }

    /// The answer is complete.
    pub(crate) fn on_end(self) {
        if let Some(reading) = self.reading {
            // Nobody waits where it took too long.
            let _ = self.tell.send(reading.finish(true));
        }
    }
}
