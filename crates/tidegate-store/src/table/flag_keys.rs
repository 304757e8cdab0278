//! Who may ask for flags: digests of keys.

use tidegate_core::model::{FlagAccess, Name};

use crate::{Reader, StoreError, Tx, row};

const TABLE: &str = "flag_keys";

impl Reader {
    /// Every key, oldest first.
    pub fn flag_keys(&self) -> Result<Vec<FlagAccess>, StoreError> {
        self.many(TABLE, "SELECT body FROM flag_keys ORDER BY rowid", [])
    }

    /// The keys of an environment, oldest first.
    pub fn flag_keys_of(&self, app: &Name, environment: &Name) -> Result<Vec<FlagAccess>, StoreError> {
        self.many(
            TABLE,
            "SELECT body FROM flag_keys WHERE app = ?1 AND environment = ?2 ORDER BY rowid",
            (app.as_str(), environment.as_str()),
        )
    }
}

impl Tx<'_> {
    /// Keeps a key.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where its id or digest is another key's.
    pub fn add_flag_key(&self, key: &FlagAccess) -> Result<(), StoreError> {
        let changed = self.write(
            "INSERT INTO flag_keys (id, app, environment, digest, body) VALUES (?1, ?2, ?3, ?4, ?5)",
            (&key.id, key.app.as_str(), key.environment.as_str(), &key.digest, row::to_body(TABLE, key)?),
        )?;
        self.flags_changed(changed)
    }

    /// Forgets a key; whether it was there.
    pub fn remove_flag_key(&self, id: &str) -> Result<bool, StoreError> {
        let changed = self.write("DELETE FROM flag_keys WHERE id = ?1", [id])?;
        self.flags_changed(changed)?;
        Ok(changed > 0)
    }
}
