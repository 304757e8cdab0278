//! What the files of builds define of flags. The same files are the same build, so a deploy and a revision of it find it here.

use serde_json::Value;
use tidegate_core::model::BuildId;

use crate::{Reader, StoreError, Tx, row};

const TABLE: &str = "flag_documents";

impl Reader {
    /// What a build defines, in flagd's format; `None`: its manifest says nothing of flags.
    pub fn flag_document(&self, build: &BuildId) -> Result<Option<Value>, StoreError> {
        self.one(TABLE, "SELECT body FROM flag_documents WHERE build = ?1", [&build.0])
    }
}

impl Tx<'_> {
    /// Keeps what a build defines. The build must be stored when the transaction ends.
    pub fn put_flag_document(&self, build: &BuildId, document: &Value) -> Result<(), StoreError> {
        self.write(
            "INSERT INTO flag_documents (build, body) VALUES (?1, ?2)
             ON CONFLICT (build) DO UPDATE SET body = excluded.body WHERE body <> excluded.body",
            (&build.0, row::to_body(TABLE, document)?),
        )?;
        Ok(())
    }

    /// Forgets it: nothing goes back to the build any more.
    pub fn remove_flag_document(&self, build: &BuildId) -> Result<(), StoreError> {
        self.write("DELETE FROM flag_documents WHERE build = ?1", [&build.0]).map(drop)
    }
}
