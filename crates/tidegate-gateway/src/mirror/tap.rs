//! Keeps the body of a request for its copy while it passes to the original's endpoint, which is never made to wait.

use bytes::{Bytes, BytesMut};
use tokio::sync::oneshot;

use super::LARGEST_BODY;
use super::budget::Slot;

/// Why there is no body to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spilled {
    /// It is larger than is kept.
    TooLarge,
    /// There is no room for it.
    NoRoom,
}

/// See the module. Dropped before the end: the body broke off, or the original's endpoint did not want it.
#[derive(Debug)]
pub(crate) struct Tap {
    kept: BytesMut,
    to: Option<oneshot::Sender<Result<(Bytes, Slot), Spilled>>>,
    slot: Option<Slot>,
}

/// What a tap hands over; an error of the channel: the body broke off.
pub(super) type Drawn = oneshot::Receiver<Result<(Bytes, Slot), Spilled>>;

impl Tap {
    pub(super) fn new(slot: Slot) -> (Tap, Drawn) {
        let (to, drawn) = oneshot::channel();
        (Tap { kept: BytesMut::new(), to: Some(to), slot: Some(slot) }, drawn)
    }

    /// A piece of the body goes by. It is copied: the piece is a part of a larger buffer that would be held with it.
    pub(crate) fn on_data(&mut self, data: &[u8]) {
        let Some(slot) = &mut self.slot else { return };
        if self.kept.len() + data.len() > LARGEST_BODY {
            self.hand(Err(Spilled::TooLarge));
        } else if slot.hold(data.len()) {
            self.kept.extend_from_slice(data);
        } else {
            self.hand(Err(Spilled::NoRoom));
        }
    }

    /// The body is complete.
    pub(crate) fn on_end(&mut self) {
        if let Some(slot) = self.slot.take() {
            let body = std::mem::take(&mut self.kept).freeze();
            self.hand(Ok((body, slot)));
        }
    }

    fn hand(&mut self, drawn: Result<(Bytes, Slot), Spilled>) {
        (self.kept, self.slot) = (BytesMut::new(), None);
        if let Some(to) = self.to.take() {
            // Nobody waits where the worker ends.
            let _ = to.send(drawn);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mirror::Budget;
    use std::sync::Arc;

    fn tap() -> (Tap, Drawn) {
        Tap::new(Arc::new(Budget::default()).enter().unwrap())
    }

    #[test]
    fn a_whole_body_is_handed_over() {
        let (mut tap, mut drawn) = tap();
        tap.on_data(b"ab");
        tap.on_data(b"c");
        tap.on_end();
        assert_eq!(drawn.try_recv().unwrap().unwrap().0, "abc");
    }

    #[test]
    fn what_is_too_large_or_broken_off_is_not() {
        let (mut tap, mut drawn) = self::tap();
        tap.on_data(&vec![0; LARGEST_BODY]);
        tap.on_data(b"x");
        assert!(matches!(drawn.try_recv(), Ok(Err(Spilled::TooLarge))));
        assert_eq!(tap.kept.capacity(), 0);
        let (tap, mut drawn) = self::tap();
        drop(tap);
        assert!(matches!(drawn.try_recv(), Err(oneshot::error::TryRecvError::Closed)));
    }
}
