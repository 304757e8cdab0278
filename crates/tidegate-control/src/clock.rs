//! Tidegate's own time line: monotonic, going on over restarts, deaf to changes of the wall clock.

use tidegate_core::time::{Millis, Moment};
use tidegate_os::clock;
use tidegate_store::{ClockAnchor, Store, StoreError};

use crate::engine::Time;

/// After another boot time goes on this much later than the last anchor, which may be that old.
const ANCHOR_AGE: Millis = Millis::seconds(120);

/// The clock of one data directory.
#[derive(Clone, Debug)]
pub struct Clock {
    anchor: ClockAnchor,
}

impl Clock {
    /// Continues the time line of a store.
    ///
    /// # Errors
    /// The store's; [`StoreError::Conflict`] never.
    pub fn open(store: &mut Store) -> Result<Self, StoreError> {
        // A machine that does not tell its boots apart is taken as always the same one: time only ever goes on.
        let boot_id = clock::boot_id().unwrap_or_default();
        let boot_ms = clock::boot_ms();
        let moment = match store.clock_anchor()? {
            None => Moment(1_000),
            Some(last) if last.boot_id == boot_id => {
                last.moment + Millis(boot_ms.saturating_sub(last.boot_ms))
            }
            Some(last) => last.moment + ANCHOR_AGE,
        };
        let clock = Clock { anchor: ClockAnchor { boot_id, boot_ms, moment } };
        clock.keep(store)?;
        Ok(clock)
    }

    /// Now.
    pub fn now(&self) -> Time {
        let now = self.anchor.moment + Millis(clock::boot_ms().saturating_sub(self.anchor.boot_ms));
        Time { now, unix_ms: clock::unix_ms() }
    }

    /// Keeps where the time line stands; to be called more often than every two minutes.
    pub fn keep(&self, store: &mut Store) -> Result<(), StoreError> {
        let boot_ms = clock::boot_ms();
        let anchor = ClockAnchor { boot_id: self.anchor.boot_id.clone(), boot_ms, moment: self.now().now };
        store.transaction(|tx| tx.set_clock_anchor(&anchor))
    }
}
