//! Single values: where Tidegate's own time line stands, and what else is one per data directory.

use rusqlite::OptionalExtension;
use serde::{Deserialize, Serialize};
use tidegate_core::time::Moment;

use crate::{Reader, StoreError, Tx, row};

const TABLE: &str = "meta";
const CLOCK_ANCHOR: &str = "clock_anchor";

/// A moment and the machine's own clock at that moment. Within the same boot the next moment follows from the boot
/// clock; after another boot it goes on from `moment`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClockAnchor {
    /// Which boot of the machine.
    pub boot_id: String,
    /// Milliseconds since that boot.
    pub boot_ms: u64,
    /// The moment this was.
    pub moment: Moment,
}

impl Reader {
    /// The last anchor; `None` in a new store.
    pub fn clock_anchor(&self) -> Result<Option<ClockAnchor>, StoreError> {
        self.one(TABLE, "SELECT value FROM meta WHERE key = ?1", [CLOCK_ANCHOR])
    }

    /// A value kept by [`Tx::set_meta`].
    pub fn meta(&self, key: &str) -> Result<Option<String>, StoreError> {
        let mut statement = self.connection().prepare_cached("SELECT value FROM meta WHERE key = ?1")?;
        Ok(statement.query_row([key], |found| found.get(0)).optional()?)
    }
}

impl Tx<'_> {
    /// Keeps the anchor in place of the last one.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where its moment is before the last one's: the time line never goes back.
    pub fn set_clock_anchor(&self, anchor: &ClockAnchor) -> Result<(), StoreError> {
        if let Some(last) = self.clock_anchor()?.filter(|last| last.moment > anchor.moment) {
            let why = format!("the clock would go back from {} to {}", last.moment.0, anchor.moment.0);
            return Err(StoreError::Conflict(why));
        }
        self.set_meta(CLOCK_ANCHOR, &row::to_body(TABLE, anchor)?)
    }

    /// Keeps a single value under a key of the caller's.
    pub fn set_meta(&self, key: &str, value: &str) -> Result<(), StoreError> {
        self.write(
            "INSERT INTO meta (key, value) VALUES (?1, ?2)
             ON CONFLICT (key) DO UPDATE SET value = excluded.value WHERE value <> excluded.value",
            [key, value],
        )?;
        Ok(())
    }
}
