//! The last routing table on disk, and the one before it.
//!
//! What holds: a gateway that starts in the directory after another was killed, at any point, has a table at least as new as
//! any that was acknowledged; for an acknowledged table has instances stopped. So a table is in place, whole, before it is
//! acknowledged. A kill takes nothing of it, even where it is not on the disk itself yet: only a power failure does, and
//! that ends everything that the table leads to as well. So nobody waits for the disk: it is written to afterwards, once for
//! tables that follow each other quickly. Until then the last file may be torn by a power failure; the one before it is
//! always one that the disk has.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tidegate_core::model::RouteTable;
use tidegate_os::file;
use tokio::sync::Notify;

use crate::gateway::GatewayError;
use crate::route::validate;

const LAST: &str = "table.json";
const EARLIER: &str = "table.json.1";
const TORN: &str = "table.json.torn";
/// The longest table on disk or on the control socket.
pub(crate) const LARGEST_TABLE: u64 = 64 * 1024 * 1024;
/// How long tables that follow are waited for before the disk is.
const REST: Duration = Duration::from_millis(200);

/// See the module.
#[derive(Debug)]
pub(crate) struct TableFile {
    dir: PathBuf,
    /// How many tables were put in place.
    placed: AtomicU64,
    /// How many had been, at least, when the last one went to the disk.
    on_disk: AtomicU64,
    news: Notify,
}

impl TableFile {
    /// Of a gateway's directory. What is there already goes to the disk first of all.
    pub(crate) fn new(dir: PathBuf) -> Self {
        let news = Notify::new();
        news.notify_one();
        TableFile { dir, placed: AtomicU64::new(1), on_disk: AtomicU64::new(0), news }
    }

    /// Puts a table in place; the one that was there becomes the one before. One call at a time.
    pub(crate) fn put(&self, table: &RouteTable) -> io::Result<()> {
        let bytes = serde_json::to_vec(table).map_err(io::Error::other)?;
        let (last, earlier) = (self.dir.join(LAST), self.dir.join(EARLIER));
        let before = self.placed.load(Ordering::Acquire);
        if self.on_disk.load(Ordering::Acquire) == before && last.exists() {
            file::name_again(&last, &earlier)?;
        }
        file::write_whole(&last, &bytes, 0o600)?;
        // Not before: what goes to the disk meanwhile may be the file before this one.
        self.placed.store(before + 1, Ordering::Release);
        self.news.notify_one();
        Ok(())
    }

    /// Has the disk follow, for as long as it is polled.
    pub(crate) async fn follow(&self) {
        loop {
            self.news.notified().await;
            tokio::time::sleep(REST).await;
            let (last, placed) = (self.dir.join(LAST), self.placed.load(Ordering::Acquire));
            match tokio::task::spawn_blocking(move || file::sync(&last)).await {
                Ok(Ok(())) => self.on_disk.store(placed, Ordering::Release),
                Ok(Err(error)) if error.kind() == io::ErrorKind::NotFound => {}
                Ok(Err(error)) => {
                    tracing::error!(%error, "the routing table may not survive a power failure")
                }
                Err(error) => tracing::error!(%error, "the routing table may not survive a power failure"),
            }
        }
    }
}

/// The last table of a gateway's directory or, where its file is torn, the one before. Where neither can be read the last
/// one's mistake is told.
pub(crate) fn load(dir: &Path) -> Result<RouteTable, GatewayError> {
    let (last, earlier) = (dir.join(LAST), dir.join(EARLIER));
    let torn = match read(&last) {
        Err(error @ GatewayError::Table { .. }) if earlier.exists() => error,
        read => return read,
    };
    let Ok(table) = read(&earlier) else { return Err(torn) };
    tracing::error!(error = %torn, from = %earlier.display(), epoch = table.epoch, "starting with the table before the last");
    // Kept for whoever wants to know, but not in a place where it would be taken for a table.
    let aside = fs::rename(&last, dir.join(TORN)).and_then(|()| file::name_again(&earlier, &last));
    aside.map_err(|source| GatewayError::File { path: last, source })?;
    Ok(table)
}

/// Reads a table; none where there is no file. A file that is no table is refused rather than overwritten.
fn read(path: &Path) -> Result<RouteTable, GatewayError> {
    let file = |source| GatewayError::File { path: path.to_owned(), source };
    let wrong = |why: String| GatewayError::Table { path: path.to_owned(), why };
    match fs::metadata(path) {
        Ok(found) if found.len() > LARGEST_TABLE => return Err(wrong("the file is too large".into())),
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(RouteTable::default()),
        Err(error) => return Err(file(error)),
    }
    let bytes = fs::read(path).map_err(file)?;
    let table: RouteTable = serde_json::from_slice(&bytes).map_err(|error| wrong(error.to_string()))?;
    validate(&table).map_err(|error| wrong(error.to_string()))?;
    Ok(table)
}
