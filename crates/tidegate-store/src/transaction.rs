//! A transaction: all of it or nothing. Its writing methods are in `table/`, one file per family.

use std::ops::Deref;

use rusqlite::Params;

use crate::table::audit::Desk;
use crate::{Reader, StoreError};

/// A transaction in progress, given by [`Store::transaction`](crate::Store::transaction). It reads what it wrote.
#[derive(Debug)]
pub struct Tx<'a> {
    reader: &'a Reader,
    desk: &'a Desk,
}

impl<'a> Tx<'a> {
    /// Takes the write lock at once: a transaction that began by reading could not be sure to get it later.
    pub(crate) fn begin(reader: &'a Reader, desk: &'a Desk) -> Result<Tx<'a>, StoreError> {
        reader.connection().prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        desk.begun();
        Ok(Tx { reader, desk })
    }

    /// Where it fails, dropping `self` rolls back.
    pub(crate) fn commit(self) -> Result<(), StoreError> {
        self.write("COMMIT", []).map(drop)
    }

    /// What the audit log is to be told.
    pub(crate) fn desk(&self) -> &Desk {
        self.desk
    }

    /// Runs one statement; how many rows it changed.
    pub(crate) fn write(&self, sql: &str, params: impl Params) -> Result<usize, StoreError> {
        Ok(self.reader.connection().prepare_cached(sql)?.execute(params)?)
    }

    /// The number SQLite gave the row inserted last.
    pub(crate) fn last_row(&self) -> u64 {
        crate::row::from_sql(self.reader.connection().last_insert_rowid())
    }
}

impl Deref for Tx<'_> {
    type Target = Reader;
    fn deref(&self) -> &Reader {
        self.reader
    }
}

impl Drop for Tx<'_> {
    fn drop(&mut self) {
        // SQLite has already rolled back after some errors, a full disk among them.
        if !self.reader.connection().is_autocommit() {
            // Nothing can be done about a failure here; the next BEGIN reports it.
            let _ = self.write("ROLLBACK", []);
        }
    }
}
