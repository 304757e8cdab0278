//! Configuration set at run time, by its versions.

use tidegate_core::model::Name;
use tidegate_core::setting::ConfigVersion;

use crate::{Reader, StoreError, Tx, row};

const TABLE: &str = "config_versions";

impl Reader {
    /// The newest version of an environment's configuration.
    pub fn newest_config(&self, app: &Name, environment: &Name) -> Result<Option<ConfigVersion>, StoreError> {
        self.one(
            TABLE,
            "SELECT body FROM config_versions WHERE app = ?1 AND environment = ?2 ORDER BY version DESC LIMIT 1",
            (app.as_str(), environment.as_str()),
        )
    }

    /// One version of it.
    pub fn config_version(
        &self,
        app: &Name,
        environment: &Name,
        version: u32,
    ) -> Result<Option<ConfigVersion>, StoreError> {
        self.one(
            TABLE,
            "SELECT body FROM config_versions WHERE app = ?1 AND environment = ?2 AND version = ?3",
            (app.as_str(), environment.as_str(), version),
        )
    }

    /// All versions that are kept, the newest first.
    pub fn config_versions(&self, app: &Name, environment: &Name) -> Result<Vec<ConfigVersion>, StoreError> {
        self.many(
            TABLE,
            "SELECT body FROM config_versions WHERE app = ?1 AND environment = ?2 ORDER BY version DESC",
            (app.as_str(), environment.as_str()),
        )
    }
}

impl Tx<'_> {
    /// Keeps a version.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where its number is taken.
    pub fn add_config_version(&self, version: &ConfigVersion) -> Result<(), StoreError> {
        self.write(
            "INSERT INTO config_versions (app, environment, version, body) VALUES (?1, ?2, ?3, ?4)",
            (
                version.app.as_str(),
                version.environment.as_str(),
                version.version,
                row::to_body(TABLE, version)?,
            ),
        )?;
        Ok(())
    }

    /// Forgets all but the newest `keep` versions of each environment; how many. A revision has what it needs of one itself.
    pub fn prune_config_versions(&self, keep: u32) -> Result<usize, StoreError> {
        self.write(
            "DELETE FROM config_versions AS old WHERE version <= (SELECT max(version) FROM config_versions AS new
             WHERE new.app = old.app AND new.environment = old.environment) - ?1",
            [keep],
        )
    }
}
