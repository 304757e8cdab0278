//! The schema as numbered steps. A step that was ever released is never edited: a change is a new step.

use std::path::Path;

use rusqlite::Connection;

use crate::StoreError;

/// Marks a database as Tidegate's: `TdGt`.
pub(crate) const APPLICATION_ID: u32 = 0x5464_4774;

/// Step n brings version n to n + 1. `PRAGMA user_version` keeps how many were taken.
const STEPS: &[&str] = &[
    include_str!("0001_first.sql"),
    include_str!("0002_jobs.sql"),
    include_str!("0003_migrations.sql"),
    include_str!("0004_judgements.sql"),
    include_str!("0005_flags.sql"),
    include_str!("0006_experiments.sql"),
    include_str!("0007_flag_guards.sql"),
    include_str!("0008_pipelines.sql"),
    include_str!("0009_notices.sql"),
    include_str!("0010_environments.sql"),
    include_str!("0011_git_sources.sql"),
    include_str!("0012_flag_documents.sql"),
    include_str!("0013_identity.sql"),
    include_str!("0014_access.sql"),
    include_str!("0015_audit.sql"),
    include_str!("0016_provenance.sql"),
    include_str!("0018_app_users.sql"),
    // After 0018: databases that have that one are at its place already.
    include_str!("0017_settings.sql"),
];

/// The newest version this program knows.
pub(crate) const KNOWN: u32 = STEPS.len() as u32;

/// Fills an empty database and closes it, with nothing left in its log.
pub(crate) fn fill_new(connection: Connection) -> Result<(), StoreError> {
    migrate(&connection)?;
    // Last, and kept in the file: from here on it is opened with a write-ahead log.
    connection.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?;
    connection.close().map_err(|(_, error)| error.into())
}

/// Takes the steps that are missing.
pub(crate) fn migrate(connection: &Connection) -> Result<(), StoreError> {
    take_steps(connection, STEPS)
}

/// Refuses a version that cannot be: 0 is only ever seen inside [`fill_new`].
pub(crate) fn check_known(found: u32, path: &Path) -> Result<(), StoreError> {
    if found == 0 {
        let why = "it has Tidegate's mark and no schema".to_owned();
        return Err(StoreError::Damaged { path: path.to_owned(), why });
    }
    if found > KNOWN {
        return Err(StoreError::TooNew { path: path.to_owned(), found, known: KNOWN });
    }
    Ok(())
}

/// The same check through SQLite, which sees a newer version that is still in the log.
pub(crate) fn check_version(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    check_known(version(connection)?, path)
}

fn version(connection: &Connection) -> Result<u32, StoreError> {
    Ok(connection.query_row("PRAGMA user_version", [], |row| row.get(0))?)
}

/// Each step is one transaction, its number with it.
fn take_steps(connection: &Connection, steps: &[&str]) -> Result<(), StoreError> {
    for (before, step) in (0u32..).zip(steps).skip(version(connection)? as usize) {
        let transaction = connection.unchecked_transaction()?;
        transaction.execute_batch(step)?;
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.pragma_update(None, "user_version", before + 1)?;
        transaction.commit()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: &str = "CREATE TABLE a (x INTEGER) STRICT;";
    const SECOND: &str = "INSERT INTO a VALUES (1);";

    fn rows(connection: &Connection) -> i64 {
        connection.query_row("SELECT count(*) FROM a", [], |row| row.get(0)).unwrap()
    }

    #[test]
    fn only_missing_steps_are_taken() {
        let connection = Connection::open_in_memory().unwrap();
        take_steps(&connection, &[FIRST]).unwrap();
        for _ in 0..2 {
            take_steps(&connection, &[FIRST, SECOND]).unwrap();
            assert_eq!((version(&connection).unwrap(), rows(&connection)), (2, 1));
        }
    }

    #[test]
    fn a_step_that_fails_leaves_the_version_before_it() {
        let connection = Connection::open_in_memory().unwrap();
        let bad = "INSERT INTO a VALUES (1); INSERT INTO nowhere VALUES (1);";
        assert!(take_steps(&connection, &[FIRST, bad]).is_err());
        assert_eq!((version(&connection).unwrap(), rows(&connection)), (1, 0));
        take_steps(&connection, &[FIRST, SECOND]).unwrap();
        assert_eq!((version(&connection).unwrap(), rows(&connection)), (2, 1));
    }
}
