//! The database that all workers use, and the watch over its file. A file that cannot be used is named in the log, and the
//! database read before it stays.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::database::{Database, DatabaseError};

/// How often the file is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// See the module.
#[derive(Debug)]
pub(crate) struct Geo {
    path: PathBuf,
    /// Grows with every database: tells a worker to look again.
    epoch: AtomicU64,
    database: Mutex<Option<Arc<Database>>>,
}

impl Geo {
    /// Reads the file if it is there. Starting matters more than places: one that cannot be used is left for the watch.
    pub(crate) fn open(path: PathBuf) -> Geo {
        let geo = Geo { path, epoch: AtomicU64::new(0), database: Mutex::new(None) };
        match Database::read(&geo.path) {
            Ok(database) => geo.put(database),
            Err(DatabaseError::File(error)) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => geo.refuse(&error),
        }
        geo
    }

    /// The number of the database; 0: none yet.
    pub(crate) fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::Acquire)
    }

    /// The database.
    pub(crate) fn database(&self) -> Option<Arc<Database>> {
        self.lock().clone()
    }

    fn put(&self, database: Database) {
        tracing::info!(path = %self.path.display(), built = database.built(), "places are read");
        *self.lock() = Some(Arc::new(database));
        self.epoch.fetch_add(1, Ordering::Release);
    }

    fn refuse(&self, error: &DatabaseError) {
        tracing::error!(path = %self.path.display(), %error, "the file of places is not used");
    }

    /// Reads the file, however it looks.
    pub(super) fn reload(&self) {
        let read = Database::read(&self.path).and_then(|database| database.verify().map(|()| database));
        match read {
            Ok(database) => self.put(database),
            Err(error) => self.refuse(&error),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Arc<Database>>> {
        self.database.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What tells one state of a file from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    inode: u64,
    size: u64,
    changed: (i64, i64),
}

impl Stamp {
    fn of(path: &Path) -> Option<Stamp> {
        let found = fs::metadata(path).ok()?;
        let changed = (found.mtime(), found.mtime_nsec());
        Some(Stamp { inode: found.ino(), size: found.len(), changed })
    }
}

/// Reads the file again whenever it changed and has then kept still for a look: it may be written in place. A file that is
/// gone changes nothing. Never ends.
pub(crate) async fn watch(geo: Arc<Geo>) {
    let mut known = Stamp::of(&geo.path);
    let mut last = known;
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        let now = Stamp::of(&geo.path);
        if now.is_some() && now == last && now != known {
            known = now;
            let reading = geo.clone();
            // A panic in there would be a defect of the reader: the database before it stays.
            let _ = tokio::task::spawn_blocking(move || reading.reload()).await;
        }
        last = now;
    }
}
