//! The one writer.

use std::fmt;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};
use tidegate_core::audit::Deed;

use crate::table::audit::Desk;
use crate::{Reader, StoreError, Tx, file, schema};

/// The log is cut to this size, in bytes, when it starts over.
const LOG_KEPT: i64 = 4 * 1024 * 1024;

/// The writing connection. One thread of one process owns it.
#[derive(Debug)]
pub struct Store {
    reader: Reader,
    path: Option<PathBuf>,
    witness: Witness,
    desk: Desk,
}

/// Called before and after every commit.
#[derive(Default)]
struct Witness(Option<Box<dyn FnMut() + Send>>);

impl fmt::Debug for Witness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Witness(set)" } else { "Witness(none)" })
    }
}

impl Witness {
    fn call(&mut self) {
        if let Some(witness) = self.0.as_mut() {
            witness();
        }
    }
}

/// What a checkpoint did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Whether everything is in the database file and the log is empty. If not, a reader was in the way: next time.
    pub complete: bool,
    /// Pages left in the log.
    pub pages_left: u64,
}

impl Store {
    /// Opens the store in this file, made if it is not there, brought to the newest schema if it is older.
    ///
    /// # Errors
    /// [`StoreError::Foreign`], [`StoreError::TooNew`] and [`StoreError::Damaged`] before anything is written.
    pub fn open(path: &Path) -> Result<Store, StoreError> {
        if is_there(path)? {
            file::look(path)?;
            file::verify(path)?;
            file::restrict(path)?;
        } else {
            file::create(path)?;
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let reader = Reader::on(Connection::open_with_flags(path, flags)?)?;
        settle(reader.connection())?;
        schema::migrate(reader.connection())?;
        Ok(Store { reader, path: Some(path.to_owned()), witness: Witness::default(), desk: Desk::default() })
    }

    /// A store that is gone when dropped: for the simulation and for tests.
    pub fn in_memory() -> Result<Store, StoreError> {
        let reader = Reader::on(Connection::open_in_memory()?)?;
        reader.connection().pragma_update(None, "foreign_keys", true)?;
        schema::migrate(reader.connection())?;
        Ok(Store { reader, path: None, witness: Witness::default(), desk: Desk::default() })
    }

    /// Another connection to the same file, for another thread.
    ///
    /// # Errors
    /// [`StoreError::InMemory`] where there is no file: use the store itself as `&Reader`.
    pub fn reader(&self) -> Result<Reader, StoreError> {
        Reader::open(self.path().ok_or(StoreError::InMemory)?)
    }

    /// The file; `None` in memory.
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// Runs `work` and keeps all it wrote, or, where it fails or panics, nothing of it. When this returns `Ok`, it is
    /// on the disk.
    ///
    /// # Errors
    /// Whatever `work` returns; [`StoreError::DiskFull`] and [`StoreError::Io`] leave the store usable.
    pub fn transaction<T>(
        &mut self,
        work: impl FnOnce(&Tx<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let tx = Tx::begin(&self.reader, &self.desk)?;
        let value = work(&tx)?;
        let entered = tx.enter_announced()?;
        self.witness.call();
        tx.commit()?;
        self.desk.committed(entered);
        self.witness.call();
        Ok(value)
    }

    /// Says what somebody is about to have done, and when: the first transaction from now on writes it into the audit log. Until it is
    /// [over](Store::announced_is_over) nothing that happens is Tidegate's own deed.
    pub fn announce(&mut self, deed: Deed, at_ms: u64) {
        self.desk.announce(deed, at_ms);
    }

    /// Ends what was announced; whether a transaction has entered it.
    pub fn announced_is_over(&mut self) -> bool {
        self.desk.over()
    }

    /// Has `witness` called right before and right after every commit. The simulation crashes the control plane there,
    /// by a panic: before the commit nothing is kept, after it everything is.
    pub fn set_witness(&mut self, witness: impl FnMut() + Send + 'static) {
        self.witness = Witness(Some(Box::new(witness)));
    }

    /// Moves the log into the database file and empties it. Never waits: a reader in the way leaves the rest for the
    /// next time. To be called now and then; without it the log still starts over at about a thousand pages whenever
    /// no reader is in the middle of it.
    pub fn checkpoint(&mut self) -> Result<Checkpoint, StoreError> {
        let connection = self.reader.connection();
        connection.busy_timeout(Duration::ZERO)?;
        let outcome = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, row.get::<_, i64>(2)?))
        });
        connection.busy_timeout(crate::reader::LOCK_WAIT)?;
        let (blocked, in_log, moved) = outcome?;
        Ok(Checkpoint { complete: blocked == 0, pages_left: crate::row::from_sql(in_log - moved) })
    }
}

impl Deref for Store {
    type Target = Reader;
    fn deref(&self) -> &Reader {
        &self.reader
    }
}

fn is_there(path: &Path) -> Result<bool, StoreError> {
    path.try_exists().map_err(|source| StoreError::File { what: "look for", path: path.to_owned(), source })
}

/// What holds for the writing connection. Why `FULL`: see the crate's documentation.
fn settle(connection: &Connection) -> Result<(), StoreError> {
    connection.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.query_row(&format!("PRAGMA journal_size_limit = {LOG_KEPT}"), [], |_| Ok(()))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_at_its_page_limit_works_again_when_the_limit_is_gone() {
        let mut store = Store::in_memory().unwrap();
        let limit = |store: &Store, pages: u32| {
            let pragma = format!("PRAGMA max_page_count = {pages}");
            store.connection().query_row(&pragma, [], |_| Ok(())).unwrap();
        };
        limit(&store, 60);
        let push = |tx: &Tx<'_>| tx.push_action(&"x".repeat(20_000));
        let refused = (0..100).find_map(|_| store.transaction(push).err());
        assert!(matches!(refused, Some(StoreError::DiskFull)), "{refused:?}");
        let kept = store.outbox::<String>().unwrap().len();
        limit(&store, 10_000);
        store.transaction(push).unwrap();
        assert_eq!(store.outbox::<String>().unwrap().len(), kept + 1);
    }
}
