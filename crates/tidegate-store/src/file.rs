//! The database file before SQLite gets it: whose it is, whether it is whole, and how a new one comes into being.
//!
//! SQLite would recover, extend or checkpoint a file it opens. So a file is judged by its first hundred bytes, read
//! by hand, and then through a connection that cannot write; only then may [`Store`](crate::Store) open it.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::Read;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use crate::{StoreError, reader, schema};

/// How every SQLite file begins.
const MAGIC: &[u8; 16] = b"SQLite format 3\0";
/// Where the schema version and the application id stand in it, big-endian.
const USER_VERSION_AT: usize = 60;
const APPLICATION_ID_AT: usize = 68;
const HEADER: usize = 100;
/// Configuration values are in it.
const OWNER_ONLY: u32 = 0o600;

/// Judges the first bytes of an existing file: Tidegate's, and of a schema this program knows.
pub(crate) fn look(path: &Path) -> Result<(), StoreError> {
    let header = first_bytes(path)?;
    if !MAGIC.starts_with(&header[..header.len().min(MAGIC.len())]) {
        return Err(foreign(path, "it is not an SQLite database"));
    }
    if header.len() < HEADER {
        let why = format!("it ends after {} bytes", header.len());
        return Err(damaged(path, why));
    }
    let number = |at: usize| u32::from_be_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
    let application = number(APPLICATION_ID_AT);
    if application != schema::APPLICATION_ID {
        return Err(foreign(path, format!("an SQLite database of another program (id {application:#010x})")));
    }
    schema::check_known(number(USER_VERSION_AT), path)
}

/// Reads the whole file through a connection that can write neither to it nor to its write-ahead log.
pub(crate) fn verify(path: &Path) -> Result<(), StoreError> {
    let connection = Connection::open_with_flags(path, reader::read_only())?;
    // Closing the last connection tidies the log away, unless it is told not to.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    schema::check_version(&connection, path).map_err(|error| broken(path, error))?;
    let verdict: String = connection
        .query_row("PRAGMA quick_check(1)", [], |row| row.get(0))
        .map_err(|error| broken(path, error.into()))?;
    if verdict == "ok" { Ok(()) } else { Err(damaged(path, verdict)) }
}

/// Makes a new, empty store: complete under another name first, so that a kill leaves a whole store or none.
pub(crate) fn create(path: &Path) -> Result<(), StoreError> {
    refuse_stray_log(path)?;
    let draft = beside(path, ".new");
    for leftover in
        [draft.clone(), beside(&draft, "-journal"), beside(&draft, "-wal"), beside(&draft, "-shm")]
    {
        remove_if_there(&leftover)?;
    }
    let file = OpenOptions::new().write(true).create_new(true).mode(OWNER_ONLY).open(&draft);
    drop(file.map_err(failed("create", &draft))?);
    restrict(&draft)?;
    schema::fill_new(Connection::open_with_flags(&draft, OpenFlags::SQLITE_OPEN_READ_WRITE)?)?;
    fs::rename(&draft, path).map_err(failed("rename into place", path))?;
    sync_directory(path)
}

/// Takes the rights of everybody else away, whatever the umask. SQLite gives its log the same mode as the file.
pub(crate) fn restrict(path: &Path) -> Result<(), StoreError> {
    fs::set_permissions(path, Permissions::from_mode(OWNER_ONLY)).map_err(failed("restrict access to", path))
}

fn first_bytes(path: &Path) -> Result<Vec<u8>, StoreError> {
    let file = File::open(path).map_err(failed("open", path))?;
    let mut header = Vec::with_capacity(HEADER);
    file.take(HEADER as u64).read_to_end(&mut header).map_err(failed("read", path))?;
    Ok(header)
}

/// A log whose database is gone: SQLite would play it into the new one.
fn refuse_stray_log(path: &Path) -> Result<(), StoreError> {
    let log = beside(path, "-wal");
    match fs::metadata(&log) {
        Ok(found) if found.len() > 0 => {
            Err(damaged(path, format!("it is missing, but its log {} is there", log.display())))
        }
        _ => Ok(()),
    }
}

/// A rename is in the directory, and that has a cache of its own.
fn sync_directory(path: &Path) -> Result<(), StoreError> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let directory = parent.unwrap_or(Path::new("."));
    File::open(directory).and_then(|opened| opened.sync_all()).map_err(failed("sync", directory))
}

fn remove_if_there(path: &Path) -> Result<(), StoreError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(failed("remove", path)(error)),
        _ => Ok(()),
    }
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// While the file is examined, SQLite's "malformed" is a verdict on the file, not a failed operation.
fn broken(path: &Path, error: StoreError) -> StoreError {
    match error {
        StoreError::Corrupt(inner) => damaged(path, inner.to_string()),
        other => other,
    }
}

fn damaged(path: &Path, why: impl Into<String>) -> StoreError {
    StoreError::Damaged { path: path.to_owned(), why: why.into() }
}

fn foreign(path: &Path, why: impl Into<String>) -> StoreError {
    StoreError::Foreign { path: path.to_owned(), why: why.into() }
}

fn failed(what: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> StoreError {
    let path = path.to_owned();
    move |source| match source.kind() {
        std::io::ErrorKind::StorageFull => StoreError::DiskFull,
        _ => StoreError::File { what, path, source },
    }
}
