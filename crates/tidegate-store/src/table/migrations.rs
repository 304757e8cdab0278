//! Where environments stand with their migrations.

use tidegate_core::model::{MigrationState, Name};

use crate::{Reader, StoreError, Tx, row};

const TABLE: &str = "migration_states";

impl Reader {
    /// Where an environment stands; `None` where it never had a migration.
    pub fn migration_state(
        &self,
        app: &Name,
        environment: &Name,
    ) -> Result<Option<MigrationState>, StoreError> {
        self.one(
            TABLE,
            "SELECT body FROM migration_states WHERE app = ?1 AND environment = ?2",
            (app.as_str(), environment.as_str()),
        )
    }
}

impl Tx<'_> {
    /// Keeps where an environment stands.
    pub fn put_migration_state(&self, state: &MigrationState) -> Result<(), StoreError> {
        self.write(
            "INSERT INTO migration_states (app, environment, body) VALUES (?1, ?2, ?3)
             ON CONFLICT (app, environment) DO UPDATE SET body = excluded.body
             WHERE body <> excluded.body",
            (state.app.as_str(), state.environment.as_str(), row::to_body(TABLE, state)?),
        )?;
        Ok(())
    }
}
