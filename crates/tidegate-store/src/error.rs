//! What can go wrong with the store, sorted by what the caller can do about it.

use std::path::PathBuf;

use rusqlite::ErrorCode;
use rusqlite::ffi::SQLITE_CONSTRAINT_FOREIGNKEY;

/// Why the store could not be opened, read or written. Values of rows are in none of its texts.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The file belongs to something else. Nothing was written to it.
    #[error("{} is not Tidegate's: {why}. Choose another data directory, or move the file away", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// What it is instead.
        why: String,
    },
    /// A newer Tidegate has written the file. Nothing was written to it.
    #[error(
        "{} was written by a newer Tidegate (schema {found}, this one knows {known}). Run that version, or restore a \
         backup made by this one",
        path.display()
    )]
    TooNew {
        /// The file.
        path: PathBuf,
        /// The schema version in the file.
        found: u32,
        /// The newest schema version this program knows.
        known: u32,
    },
    /// The file was Tidegate's and is not whole. Nothing was written to it.
    #[error(
        "{} is damaged: {why}. Nothing was changed. Keep a copy of the file and of the ones named like it with -wal \
         and -shm, then restore a backup into this place",
        path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// No space is left. What was asked for is not done and nothing else is lost; it works again once there is space.
    #[error("no space left on the disk of the data directory")]
    DiskFull,
    /// The disk or the file system failed. What was asked for is not done; it may work when tried again.
    #[error("the data directory's file could not be read or written")]
    Io(#[source] rusqlite::Error),
    /// The file was damaged while it was in use. Trying again does not help.
    #[error("the data directory's file was damaged while in use: stop, keep a copy, restore a backup")]
    Corrupt(#[source] rusqlite::Error),
    /// A file beside the database could not be handled.
    #[error("cannot {what} {}", path.display())]
    File {
        /// What was tried.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// Another process holds the lock for longer than the store waits.
    #[error("the store is locked by another process")]
    Busy,
    /// A row does not read as what it should be: the file was edited, or a migration is missing.
    #[error("a row of table `{table}` cannot be read: {why}")]
    Row {
        /// The table.
        table: &'static str,
        /// Where in it, without its values.
        why: String,
    },
    /// What is to be written contradicts what is there: a bug in the caller.
    #[error("{0}")]
    Conflict(String),
    /// A row would be larger than the store takes.
    #[error("a row of table `{table}` would have {bytes} bytes, the limit is {limit}")]
    TooLarge {
        /// The table.
        table: &'static str,
        /// The size it would have.
        bytes: usize,
        /// The largest size.
        limit: usize,
    },
    /// A reader was asked of a store that has no file: pass the store itself, it derefs to a reader.
    #[error("a store in memory has no second connection")]
    InMemory,
    /// SQLite refused for another reason: a bug in this crate.
    #[error("the database refused")]
    Sqlite(#[source] rusqlite::Error),
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        let Some(failure) = error.sqlite_error() else { return StoreError::Sqlite(error) };
        match failure.code {
            ErrorCode::DiskFull => StoreError::DiskFull,
            ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => StoreError::Busy,
            ErrorCode::ConstraintViolation => conflict(&error, failure.extended_code),
            ErrorCode::SystemIoFailure
            | ErrorCode::CannotOpen
            | ErrorCode::PermissionDenied
            | ErrorCode::ReadOnly => StoreError::Io(error),
            ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => StoreError::Corrupt(error),
            _ => StoreError::Sqlite(error),
        }
    }
}

/// SQLite names the columns of a broken constraint, not their values.
fn conflict(error: &rusqlite::Error, extended: i32) -> StoreError {
    if extended == SQLITE_CONSTRAINT_FOREIGNKEY {
        let why = "a row names a build or a service that is not stored, or one still named was removed";
        return StoreError::Conflict(why.to_owned());
    }
    StoreError::Conflict(format!("a row contradicts one that is stored ({error})"))
}

impl StoreError {
    /// Whether the same call may succeed later without a change to the program or the file's contents.
    pub fn is_transient(&self) -> bool {
        matches!(self, StoreError::DiskFull | StoreError::Io(_) | StoreError::Busy)
    }
}
