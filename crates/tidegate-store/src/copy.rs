//! A copy of the whole store while it is in use.

use std::fs::OpenOptions;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use crate::{Reader, StoreError};

impl Reader {
    /// Writes everything, as it is at this moment, into a new file that only its owner may read; a [`Store`](crate::Store) can be
    /// opened on it. The writer neither waits for it nor is waited for. Nothing is promised of a copy that fails.
    ///
    /// # Errors
    /// [`StoreError::File`] where the file is there already; [`StoreError::DiskFull`].
    pub fn copy_to(&self, path: &Path) -> Result<(), StoreError> {
        let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
        made.map_err(|source| StoreError::File { what: "create", path: path.to_owned(), source })?;
        let text = std::str::from_utf8(path.as_os_str().as_bytes()).map_err(|_| StoreError::File {
            what: "name in SQL",
            path: path.to_owned(),
            source: std::io::ErrorKind::InvalidInput.into(),
        })?;
        self.connection().execute("VACUUM INTO ?1", [text])?;
        Ok(())
    }

    /// The version of the schema.
    pub fn schema(&self) -> Result<u32, StoreError> {
        Ok(self.connection().query_row("PRAGMA user_version", [], |row| row.get(0))?)
    }
}
