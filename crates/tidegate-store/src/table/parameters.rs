//! Parameters by their versions, and the labels of versions.

use tidegate_core::model::{ParameterLabel, ParameterVersion};
use tidegate_core::setting::{Label, ParameterPath};

use crate::{Reader, StoreError, Tx, row};

const TABLE: &str = "parameter_versions";
const LABELS: &str = "parameter_labels";

impl Reader {
    /// The newest version of a parameter.
    pub fn newest_parameter(&self, path: &ParameterPath) -> Result<Option<ParameterVersion>, StoreError> {
        self.one(
            TABLE,
            "SELECT body FROM parameter_versions WHERE path = ?1 ORDER BY version DESC LIMIT 1",
            [path.as_str()],
        )
    }

    /// One version of it.
    pub fn parameter_version(
        &self,
        path: &ParameterPath,
        version: u32,
    ) -> Result<Option<ParameterVersion>, StoreError> {
        self.one(
            TABLE,
            "SELECT body FROM parameter_versions WHERE path = ?1 AND version = ?2",
            (path.as_str(), version),
        )
    }

    /// The versions of a parameter that are kept, the newest first.
    pub fn parameter_versions(&self, path: &ParameterPath) -> Result<Vec<ParameterVersion>, StoreError> {
        self.many(
            TABLE,
            "SELECT body FROM parameter_versions WHERE path = ?1 ORDER BY version DESC",
            [path.as_str()],
        )
    }

    /// The newest version of every parameter, by path.
    pub fn parameters(&self) -> Result<Vec<ParameterVersion>, StoreError> {
        self.many(
            TABLE,
            "SELECT body FROM parameter_versions AS p WHERE version =
             (SELECT max(version) FROM parameter_versions AS q WHERE q.path = p.path) ORDER BY path",
            [],
        )
    }

    /// The labels of a parameter, by name.
    pub fn parameter_labels(&self, path: &ParameterPath) -> Result<Vec<ParameterLabel>, StoreError> {
        self.many(LABELS, "SELECT body FROM parameter_labels WHERE path = ?1 ORDER BY label", [path.as_str()])
    }

    /// The version of a parameter that has a label.
    pub fn parameter_label(
        &self,
        path: &ParameterPath,
        label: &Label,
    ) -> Result<Option<ParameterLabel>, StoreError> {
        self.one(
            LABELS,
            "SELECT body FROM parameter_labels WHERE path = ?1 AND label = ?2",
            (path.as_str(), label.as_str()),
        )
    }
}

impl Tx<'_> {
    /// Keeps a version.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where its number is taken.
    pub fn add_parameter_version(&self, version: &ParameterVersion) -> Result<(), StoreError> {
        self.write(
            "INSERT INTO parameter_versions (path, version, body) VALUES (?1, ?2, ?3)",
            (version.path.as_str(), version.version, row::to_body(TABLE, version)?),
        )?;
        Ok(())
    }

    /// Gives a label to a version, and takes it from the one that had it.
    pub fn put_parameter_label(&self, label: &ParameterLabel) -> Result<(), StoreError> {
        self.write(
            "INSERT INTO parameter_labels (path, label, body) VALUES (?1, ?2, ?3)
             ON CONFLICT (path, label) DO UPDATE SET body = excluded.body WHERE body <> excluded.body",
            (label.path.as_str(), label.label.as_str(), row::to_body(LABELS, label)?),
        )?;
        Ok(())
    }
}
