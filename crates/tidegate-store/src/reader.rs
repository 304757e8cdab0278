//! A connection to read with. Its methods are in `table/`, one file per family.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, Params};
use serde::de::DeserializeOwned;

use crate::{StoreError, file, row, schema};

/// How long a connection waits for a lock another one holds.
pub(crate) const LOCK_WAIT: Duration = Duration::from_secs(5);

/// More than the crate has statements, so that each is compiled once per connection.
const STATEMENTS_KEPT: usize = 128;

/// Reads the store. It sees whole transactions only, and never waits for the writer.
#[derive(Debug)]
pub struct Reader {
    connection: Connection,
}

impl Reader {
    /// Opens a store that a [`Store`](crate::Store) has opened before, for reading only.
    pub fn open(path: &Path) -> Result<Reader, StoreError> {
        file::look(path)?;
        let connection = Connection::open_with_flags(path, read_only())?;
        schema::check_version(&connection, path)?;
        Reader::on(connection)
    }

    /// Runs `work` on one unchanging state of the store, whatever is written meanwhile.
    pub fn snapshot<T>(&self, work: impl FnOnce(&Reader) -> Result<T, StoreError>) -> Result<T, StoreError> {
        if !self.connection.is_autocommit() {
            return work(self);
        }
        let transaction = self.connection.unchecked_transaction()?;
        let value = work(self)?;
        transaction.finish()?;
        Ok(value)
    }

    pub(crate) fn on(connection: Connection) -> Result<Reader, StoreError> {
        connection.busy_timeout(LOCK_WAIT)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS_KEPT);
        Ok(Reader { connection })
    }

    pub(crate) fn connection(&self) -> &Connection {
        &self.connection
    }

    /// The first row's body, if there is a row.
    pub(crate) fn one<T: DeserializeOwned>(
        &self,
        table: &'static str,
        sql: &str,
        params: impl Params,
    ) -> Result<Option<T>, StoreError> {
        Ok(self.many(table, sql, params)?.into_iter().next())
    }

    /// Every row's body.
    pub(crate) fn many<T: DeserializeOwned>(
        &self,
        table: &'static str,
        sql: &str,
        params: impl Params,
    ) -> Result<Vec<T>, StoreError> {
        self.each(sql, params, |row| row::of_row(table, row))
    }

    /// What `read` makes of every row.
    pub(crate) fn each<T>(
        &self,
        sql: &str,
        params: impl Params,
        mut read: impl FnMut(&rusqlite::Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut rows = statement.query(params)?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            found.push(read(row)?);
        }
        Ok(found)
    }
}

/// A connection stays in the thread that holds it, so SQLite's own mutex is left out.
pub(crate) fn read_only() -> OpenFlags {
    OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX
}
