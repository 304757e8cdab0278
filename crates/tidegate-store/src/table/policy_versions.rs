//! The users' own policies: versions of the whole set, the newest of which counts. Bounded: old ones go.

use tidegate_core::access::PolicyVersion;

use crate::{Reader, StoreError, Tx, row};

const TABLE: &str = "policy_versions";

/// The versions that are kept.
const MOST: u64 = 100;

impl Reader {
    /// The number of the newest version; 0: there is none.
    pub fn newest_policy_version(&self) -> Result<u64, StoreError> {
        let sql = "SELECT coalesce(max(version), 0) FROM policy_versions";
        let found = self.each(sql, [], |found| Ok(row::from_sql(found.get(0)?)))?;
        Ok(found.into_iter().next().unwrap_or(0))
    }

    /// A version.
    pub fn policy_version(&self, version: u64) -> Result<Option<PolicyVersion>, StoreError> {
        self.one(TABLE, "SELECT body FROM policy_versions WHERE version = ?1", [row::to_sql(version)])
    }

    /// Every version that is kept, the newest first.
    pub fn policy_versions(&self) -> Result<Vec<PolicyVersion>, StoreError> {
        self.many(TABLE, "SELECT body FROM policy_versions ORDER BY version DESC", [])
    }
}

impl Tx<'_> {
    /// Keeps a version.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where there is one of its number.
    pub fn add_policy_version(&self, version: &PolicyVersion) -> Result<(), StoreError> {
        self.write(
            "INSERT INTO policy_versions (version, body) VALUES (?1, ?2)",
            (row::to_sql(version.version), row::to_body(TABLE, version)?),
        )?;
        let oldest = row::to_sql(version.version.saturating_sub(MOST));
        self.write("DELETE FROM policy_versions WHERE version <= ?1", [oldest])?;
        Ok(())
    }
}
