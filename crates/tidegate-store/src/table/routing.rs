//! The routing table that was last given to the gateway.

use tidegate_core::model::RouteTable;

use crate::{Reader, StoreError, Tx, row};

const TABLE: &str = "routing";

impl Reader {
    /// The last routing table; an empty one of epoch 0 in a new store.
    pub fn routing(&self) -> Result<RouteTable, StoreError> {
        Ok(self.one(TABLE, "SELECT body FROM routing", [])?.unwrap_or_default())
    }
}

impl Tx<'_> {
    /// Keeps a routing table in place of the last one.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where its epoch is lower, or equal and the table another one: the gateway would
    /// refuse it, or two tables would go by one number.
    pub fn put_routing(&self, table: &RouteTable) -> Result<(), StoreError> {
        let last = self.routing()?;
        if *table == last {
            return Ok(());
        }
        if table.epoch <= last.epoch {
            let why = format!("routing epoch {} does not follow {}", table.epoch, last.epoch);
            return Err(StoreError::Conflict(why));
        }
        self.write(
            "INSERT INTO routing (only, epoch, body) VALUES (0, ?1, ?2)
             ON CONFLICT (only) DO UPDATE SET epoch = excluded.epoch, body = excluded.body",
            (row::to_sql(table.epoch), row::to_body(TABLE, table)?),
        )?;
        Ok(())
    }
}
