//! The flags that builds mention.

use tidegate_core::model::{BuildFlags, BuildId};

use crate::{Reader, StoreError, Tx, row};

const TABLE: &str = "build_flags";

impl Reader {
    /// The flags whose keys a build's source mentions; `None` where nobody has looked.
    pub fn build_flags(&self, build: &BuildId) -> Result<Option<BuildFlags>, StoreError> {
        self.one(TABLE, "SELECT body FROM build_flags WHERE build = ?1", [&build.0])
    }
}

impl Tx<'_> {
    /// Keeps what a build mentions. The build must be stored when the transaction ends.
    pub fn put_build_flags(&self, build: &BuildId, flags: &BuildFlags) -> Result<(), StoreError> {
        self.write(
            "INSERT INTO build_flags (build, body) VALUES (?1, ?2)
             ON CONFLICT (build) DO UPDATE SET body = excluded.body WHERE body <> excluded.body",
            (&build.0, row::to_body(TABLE, flags)?),
        )?;
        Ok(())
    }
}
