//! Actions that were decided and are to be executed: written with the decision, removed once they are done. Whoever
//! executes them may be killed in between, so an action is executed at least once.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{Reader, StoreError, Tx, row};

const TABLE: &str = "outbox";

impl Reader {
    /// Every action that is not done, in the order they were pushed, each with its number.
    pub fn outbox<T: DeserializeOwned>(&self) -> Result<Vec<(u64, T)>, StoreError> {
        self.each("SELECT body, seq FROM outbox ORDER BY seq", [], |found| {
            Ok((row::from_sql(found.get(1)?), row::of_row(TABLE, found)?))
        })
    }
}

impl Tx<'_> {
    /// Adds an action; its number, higher than any before.
    pub fn push_action(&self, action: &impl Serialize) -> Result<u64, StoreError> {
        self.write("INSERT INTO outbox (body) VALUES (?1)", [row::to_body(TABLE, action)?])?;
        Ok(self.last_row())
    }

    /// Removes an action that was executed; nothing happens where it is not there.
    pub fn done(&self, seq: u64) -> Result<(), StoreError> {
        self.write("DELETE FROM outbox WHERE seq = ?1", [row::to_sql(seq)])?;
        Ok(())
    }
}
