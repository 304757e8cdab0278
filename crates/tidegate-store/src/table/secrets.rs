//! Secrets, encrypted by whoever has the key, by their versions.

use tidegate_core::model::{Name, SecretVersion};
use tidegate_core::setting::SecretName;

use crate::{Reader, StoreError, Tx, row};

const TABLE: &str = "secret_versions";

impl Reader {
    /// The newest version of a secret, which may be its removal. `environment`: `None` is the app's own.
    pub fn newest_secret(
        &self,
        app: &Name,
        environment: Option<&Name>,
        name: &SecretName,
    ) -> Result<Option<SecretVersion>, StoreError> {
        self.one(
            TABLE,
            "SELECT body FROM secret_versions WHERE app = ?1 AND environment = ?2 AND name = ?3
             ORDER BY version DESC LIMIT 1",
            (app.as_str(), column(environment), name.as_str()),
        )
    }

    /// One version of it.
    pub fn secret_version(
        &self,
        app: &Name,
        environment: Option<&Name>,
        name: &SecretName,
        version: u32,
    ) -> Result<Option<SecretVersion>, StoreError> {
        self.one(
            TABLE,
            "SELECT body FROM secret_versions WHERE app = ?1 AND environment = ?2 AND name = ?3 AND version = ?4",
            (app.as_str(), column(environment), name.as_str(), version),
        )
    }

    /// Every version of every secret, by app, environment, name and number.
    pub fn secret_versions(&self) -> Result<Vec<SecretVersion>, StoreError> {
        self.many(TABLE, "SELECT body FROM secret_versions ORDER BY app, environment, name, version", [])
    }

    /// Every version of an app's secrets, in the same order.
    pub fn secret_versions_of(&self, app: &Name) -> Result<Vec<SecretVersion>, StoreError> {
        self.many(
            TABLE,
            "SELECT body FROM secret_versions WHERE app = ?1 ORDER BY environment, name, version",
            [app.as_str()],
        )
    }
}

impl Tx<'_> {
    /// Keeps a version in place of what was kept of it: the same value may be encrypted anew.
    pub fn put_secret_version(&self, version: &SecretVersion) -> Result<(), StoreError> {
        self.write(
            "INSERT INTO secret_versions (app, environment, name, version, body) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (app, environment, name, version) DO UPDATE SET body = excluded.body
             WHERE body <> excluded.body",
            (
                version.app.as_str(),
                column(version.environment.as_ref()),
                version.name.as_str(),
                version.version,
                row::to_body(TABLE, version)?,
            ),
        )?;
        Ok(())
    }

    /// Forgets a version.
    pub fn remove_secret_version(&self, version: &SecretVersion) -> Result<(), StoreError> {
        self.write(
            "DELETE FROM secret_versions WHERE app = ?1 AND environment = ?2 AND name = ?3 AND version = ?4",
            (
                version.app.as_str(),
                column(version.environment.as_ref()),
                version.name.as_str(),
                version.version,
            ),
        )?;
        Ok(())
    }
}

fn column(environment: Option<&Name>) -> &str {
    environment.map_or("", Name::as_str)
}
