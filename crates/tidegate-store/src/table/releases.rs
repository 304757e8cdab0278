//! Every release there ever was: written once, never changed, never removed.

use tidegate_core::model::{FlagKey, Name, Release};

use crate::{Reader, StoreError, Tx, row};

const TABLE: &str = "releases";

impl Reader {
    /// The newest releases of a flag, newest first, at most `most`.
    pub fn releases_of(
        &self,
        app: &Name,
        environment: &Name,
        flag: &FlagKey,
        most: usize,
    ) -> Result<Vec<Release>, StoreError> {
        self.many(
            TABLE,
            "SELECT body FROM releases WHERE app = ?1 AND environment = ?2 AND flag = ?3
             ORDER BY version DESC LIMIT ?4",
            (app.as_str(), environment.as_str(), flag.as_str(), row::to_sql(most as u64)),
        )
    }
}

impl Tx<'_> {
    /// Keeps a release.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where the flag had a release of that version already.
    pub fn add_release(&self, app: &Name, environment: &Name, release: &Release) -> Result<(), StoreError> {
        self.write(
            "INSERT INTO releases (app, environment, flag, version, body) VALUES (?1, ?2, ?3, ?4, ?5)",
            (
                app.as_str(),
                environment.as_str(),
                release.flag.as_str(),
                row::to_sql(release.version),
                row::to_body(TABLE, release)?,
            ),
        )?;
        Ok(())
    }
}
