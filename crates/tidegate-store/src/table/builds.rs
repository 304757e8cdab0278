//! Builds.

use tidegate_core::model::{Build, BuildId, Name};

use crate::{Reader, StoreError, Tx, row};

const TABLE: &str = "builds";

impl Reader {
    /// A build.
    pub fn build(&self, id: &BuildId) -> Result<Option<Build>, StoreError> {
        self.one(TABLE, "SELECT body FROM builds WHERE id = ?1", [&id.0])
    }

    /// Every build.
    pub fn builds(&self) -> Result<Vec<Build>, StoreError> {
        self.many(TABLE, "SELECT body FROM builds ORDER BY rowid", [])
    }

    /// Every build of an app.
    pub fn builds_of(&self, app: &Name) -> Result<Vec<Build>, StoreError> {
        self.many(TABLE, "SELECT body FROM builds WHERE app = ?1 ORDER BY rowid", [app.as_str()])
    }
}

impl Tx<'_> {
    /// Keeps a build in place of the one with its id.
    pub fn put_build(&self, build: &Build) -> Result<(), StoreError> {
        self.write(
            "INSERT INTO builds (id, app, body) VALUES (?1, ?2, ?3)
             ON CONFLICT (id) DO UPDATE SET app = excluded.app, body = excluded.body WHERE body <> excluded.body",
            (&build.id.0, build.app.as_str(), row::to_body(TABLE, build)?),
        )?;
        Ok(())
    }

    /// Forgets a build. The transaction fails at its end where a revision, deploy or job still names it.
    pub fn remove_build(&self, id: &BuildId) -> Result<(), StoreError> {
        self.write("DELETE FROM builds WHERE id = ?1", [&id.0])?;
        Ok(())
    }
}
