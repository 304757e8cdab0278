//! What is served of each flag. A flag that was never released may have no row.

use tidegate_core::model::{FlagKey, FlagState, Name};

use crate::{Reader, StoreError, Tx, row};

const TABLE: &str = "flag_states";

impl Reader {
    /// The state of a flag; the one of a flag that was never released where there is none.
    pub fn flag_state(
        &self,
        app: &Name,
        environment: &Name,
        flag: &FlagKey,
    ) -> Result<FlagState, StoreError> {
        let stored = self.one(
            TABLE,
            "SELECT body FROM flag_states WHERE app = ?1 AND environment = ?2 AND flag = ?3",
            (app.as_str(), environment.as_str(), flag.as_str()),
        )?;
        Ok(stored.unwrap_or_else(|| FlagState::untouched(flag.clone())))
    }

    /// The states of an environment's flags, by key; those that were never released may be missing.
    pub fn flag_states_of(&self, app: &Name, environment: &Name) -> Result<Vec<FlagState>, StoreError> {
        self.many(
            TABLE,
            "SELECT body FROM flag_states WHERE app = ?1 AND environment = ?2 ORDER BY flag",
            (app.as_str(), environment.as_str()),
        )
    }
}

impl Tx<'_> {
    /// Keeps the state of a flag in place of the last one. The release that made it belongs into the same transaction.
    pub fn put_flag_state(
        &self,
        app: &Name,
        environment: &Name,
        state: &FlagState,
    ) -> Result<(), StoreError> {
        let changed = self.write(
            "INSERT INTO flag_states (app, environment, flag, body) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (app, environment, flag) DO UPDATE SET body = excluded.body WHERE body <> excluded.body",
            (app.as_str(), environment.as_str(), state.key.as_str(), row::to_body(TABLE, state)?),
        )?;
        self.flags_changed(changed)
    }
}
