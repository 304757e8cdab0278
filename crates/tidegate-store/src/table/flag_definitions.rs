//! What Git says of the flags of each environment.

use tidegate_core::model::{FlagDefinitions, Name};

use super::counters::Counter;
use crate::{Reader, StoreError, Tx, row};

const TABLE: &str = "flag_definitions";

impl Reader {
    /// The definitions in force in an environment; `None` where no deploy ever brought any.
    pub fn flag_definitions(
        &self,
        app: &Name,
        environment: &Name,
    ) -> Result<Option<FlagDefinitions>, StoreError> {
        self.one(
            TABLE,
            "SELECT body FROM flag_definitions WHERE app = ?1 AND environment = ?2",
            (app.as_str(), environment.as_str()),
        )
    }

    /// The definitions in force everywhere, by app and environment.
    pub fn all_flag_definitions(&self) -> Result<Vec<FlagDefinitions>, StoreError> {
        self.many(TABLE, "SELECT body FROM flag_definitions ORDER BY app, environment", [])
    }

    /// How often anything that the gateway serves of flags was changed: what it serves has this number.
    pub fn flags_epoch(&self) -> Result<u64, StoreError> {
        Ok(self.peek_id(Counter::Flags)? - 1)
    }
}

impl Tx<'_> {
    /// Brings definitions into force in place of the environment's last ones.
    pub fn put_flag_definitions(&self, definitions: &FlagDefinitions) -> Result<(), StoreError> {
        let changed = self.write(
            "INSERT INTO flag_definitions (app, environment, body) VALUES (?1, ?2, ?3)
             ON CONFLICT (app, environment) DO UPDATE SET body = excluded.body WHERE body <> excluded.body",
            (definitions.app.as_str(), definitions.environment.as_str(), row::to_body(TABLE, definitions)?),
        )?;
        self.flags_changed(changed)
    }

    /// Counts [`Reader::flags_epoch`] up where rows were changed.
    pub(super) fn flags_changed(&self, rows: usize) -> Result<(), StoreError> {
        if rows > 0 {
            self.next_id(Counter::Flags)?;
        }
        Ok(())
    }
}
