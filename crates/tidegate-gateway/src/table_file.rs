//! The last routing table on disk: whole, and what has changed of it since.
//!
//! What holds: a gateway that starts in the directory after another was killed, at any point, has a table at least as new as
//! any that was acknowledged; for an acknowledged table has instances stopped. So a table, or the line that makes it of the one
//! before, is in place before it is acknowledged. A kill takes nothing of it, even where it is not on the disk itself yet: only
//! a power failure does, and that ends everything that the table leads to as well. So nobody waits for the disk: it is written
//! to afterwards, once for tables that follow each other within seconds, and what has changed is made one with the table then. A
//! table that was put in place whole may be torn by a power failure until then; the one before it is always one that the
//! disk has.
//!
//! Each line says of which epoch it is a change. Those of earlier tables than the whole one are passed over, so the file of changes
//! may be older than the table beside it, and a kill between the two writes harms nothing.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tidegate_core::model::{RouteChange, RouteTable};
use tidegate_os::file;

use crate::gateway::GatewayError;
use crate::route::validate;

const LAST: &str = "table.json";
const EARLIER: &str = "table.json.1";
const TORN: &str = "table.json.torn";
const CHANGES: &str = "table.changes";
/// The longest table on disk or on the control socket.
pub(crate) const LARGEST_TABLE: u64 = 64 * 1024 * 1024;
/// The most bytes of changes, before a table is put in place whole.
const MOST_CHANGES: u64 = 8 * 1024 * 1024;

/// See the module.
#[derive(Debug)]
pub(crate) struct TableFile {
    dir: PathBuf,
    placed: Mutex<Placed>,
}

/// What this process put in place.
#[derive(Debug, Default)]
struct Placed {
    /// The epoch of the whole table; `None`: it is another process's.
    whole: Option<u64>,
    /// Whether the disk has that.
    on_disk: bool,
    /// The epoch that the changes lead to.
    last: Option<u64>,
    changes: Option<Changes>,
}

/// The file of changes, open at its end.
#[derive(Debug)]
struct Changes {
    file: File,
    bytes: u64,
}

/// A table that the disk has under another name, until it is dropped or has its place.
#[derive(Debug)]
pub(crate) struct Written {
    epoch: u64,
    path: PathBuf,
}

impl Drop for Written {
    fn drop(&mut self) {
        // Not there any more where it has its place.
        let _ = fs::remove_file(&self.path);
    }
}

impl TableFile {
    /// Of a gateway's directory.
    pub(crate) fn new(dir: PathBuf) -> Self {
        TableFile { dir, placed: Mutex::default() }
    }

    /// Puts a table in place; where it is known what makes it of the one that is there, that alone. One call at a time.
    pub(crate) fn put(&self, table: &RouteTable, change: Option<&RouteChange>) -> io::Result<()> {
        let mut placed = self.lock();
        if let Some(change) = change.filter(|change| placed.last == Some(change.from)) {
            match self.add(&mut placed, change) {
                Ok(true) => return Ok(()),
                Ok(false) => {}
                Err(error) => {
                    tracing::warn!(%error, "a change of the routing table cannot be added to its file")
                }
            }
        }
        self.put_whole(&mut placed, table)
    }

    /// Whether the change was added: there may be too many.
    fn add(&self, placed: &mut Placed, change: &RouteChange) -> io::Result<bool> {
        let mut line = serde_json::to_vec(change).map_err(io::Error::other)?;
        line.push(b'\n');
        let changes = match &mut placed.changes {
            Some(changes) => changes,
            none => none.insert(Changes { file: self.open_changes()?, bytes: 0 }),
        };
        if changes.bytes + line.len() as u64 > MOST_CHANGES {
            return Ok(false);
        }
        if let Err(error) = changes.file.write_all(&line) {
            // Half a line may be there: nothing can follow it.
            placed.last = None;
            return Err(error);
        }
        changes.bytes += line.len() as u64;
        placed.last = Some(change.epoch);
        Ok(true)
    }

    /// Empty: the table that is in place whole has what was in it.
    fn open_changes(&self) -> io::Result<File> {
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(self.dir.join(CHANGES))
    }

    /// The one that was there becomes the one before.
    fn put_whole(&self, placed: &mut Placed, table: &RouteTable) -> io::Result<()> {
        let bytes = serde_json::to_vec(table).map_err(io::Error::other)?;
        let (last, earlier) = (self.dir.join(LAST), self.dir.join(EARLIER));
        if placed.on_disk && last.exists() {
            file::name_again(&last, &earlier)?;
        }
        file::write_whole(&last, &bytes, 0o600)?;
        *placed = Placed { whole: Some(table.epoch), last: Some(table.epoch), ..Placed::default() };
        forget(&self.dir.join(CHANGES))
    }

    /// Writes a table to the disk, beside the one in place. Takes as long as the disk does; tables may be put in place meanwhile.
    pub(crate) fn write(&self, table: &RouteTable) -> io::Result<Written> {
        let bytes = serde_json::to_vec(table).map_err(io::Error::other)?;
        let path = self.dir.join(format!(".{LAST}.{}", std::process::id()));
        file::write_atomic(&path, &bytes, 0o600)?;
        Ok(Written { epoch: table.epoch, path })
    }

    /// Puts it in the place of what it is made of, unless a newer one is there whole. Not while another gateway has the directory.
    pub(crate) fn settle(&self, written: Written) -> io::Result<()> {
        let mut placed = self.lock();
        if placed.whole.is_some_and(|whole| whole > written.epoch) {
            return Ok(());
        }
        let last = self.dir.join(LAST);
        if placed.on_disk && last.exists() {
            file::name_again(&last, &self.dir.join(EARLIER))?;
        }
        fs::rename(&written.path, &last)?;
        (placed.whole, placed.on_disk) = (Some(written.epoch), true);
        if placed.last.is_none_or(|last| last == written.epoch) {
            placed.last = Some(written.epoch);
            placed.changes = None;
            forget(&self.dir.join(CHANGES))?;
        }
        Ok(())
    }

    /// Has the disk know of the names. Takes as long as the disk does.
    pub(crate) fn sync(&self) -> io::Result<()> {
        File::open(&self.dir)?.sync_all()
    }

    fn lock(&self) -> MutexGuard<'_, Placed> {
        self.placed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn forget(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// The last table of a gateway's directory or, where its file is torn, the one before. Where neither can be read the last
/// one's mistake is told.
pub(crate) fn load(dir: &Path) -> Result<RouteTable, GatewayError> {
    let table = with_changes(dir, load_whole(dir)?);
    validate(&table, None).map_err(|error| wrong(&dir.join(CHANGES), error.to_string()))?;
    Ok(table)
}

fn load_whole(dir: &Path) -> Result<RouteTable, GatewayError> {
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
    match fs::metadata(path) {
        Ok(found) if found.len() > LARGEST_TABLE => return Err(wrong(path, "the file is too large".into())),
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(RouteTable::default()),
        Err(error) => return Err(file(error)),
    }
    let bytes = fs::read(path).map_err(file)?;
    let table: RouteTable = serde_json::from_slice(&bytes).map_err(|error| wrong(path, error.to_string()))?;
    validate(&table, None).map_err(|error| wrong(path, error.to_string()))?;
    Ok(table)
}

fn wrong(path: &Path, why: String) -> GatewayError {
    GatewayError::Table { path: path.to_owned(), why }
}

/// What the changes make of a table. A line that is not whole was never acknowledged, and nothing can follow it.
fn with_changes(dir: &Path, mut table: RouteTable) -> RouteTable {
    let Ok(file) = File::open(dir.join(CHANGES)) else { return table };
    let mut lines = BufReader::new(file.take(MOST_CHANGES));
    let mut line = Vec::new();
    while lines.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) && line.ends_with(b"\n") {
        let Ok(change) = serde_json::from_slice::<RouteChange>(&line) else { break };
        line.clear();
        if change.from == table.epoch {
            table = change.onto(&table);
        } else if change.from > table.epoch {
            tracing::error!(epoch = table.epoch, "a change of the routing table is missing from its file");
            break;
        }
    }
    table
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use tidegate_core::model::Upstream;
    use tidegate_core::time::Millis;

    use super::*;

    fn table(epoch: u64) -> RouteTable {
        let upstream = Upstream { drain: Some(Millis(epoch)), ..Upstream::default() };
        RouteTable {
            epoch,
            upstreams: BTreeMap::from([("a".to_owned(), upstream.into())]),
            ..RouteTable::default()
        }
    }

    fn step(file: &TableFile, to: u64) {
        let change = RouteChange::between(&table(to - 1), &table(to));
        file.put(&table(to), Some(&change)).unwrap();
    }

    fn names(dir: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(dir)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn changes_are_added_and_become_one_with_the_table() {
        let dir = tempfile::tempdir().unwrap();
        let file = TableFile::new(dir.path().to_owned());
        file.put(&table(1), None).unwrap();
        (2..5).for_each(|epoch| step(&file, epoch));
        assert_eq!(names(dir.path()), [CHANGES, LAST]);
        assert_eq!(read(&dir.path().join(LAST)).unwrap(), table(1), "only the changes were written");
        assert_eq!(load(dir.path()).unwrap(), table(4));
        // One that comes while the table is written stays to be added to it.
        let written = file.write(&table(4)).unwrap();
        step(&file, 5);
        file.settle(written).unwrap();
        assert_eq!(load(dir.path()).unwrap(), table(5));
        file.settle(file.write(&table(5)).unwrap()).unwrap();
        assert_eq!(
            (names(dir.path()), load(dir.path()).unwrap()),
            (vec![LAST.to_owned(), EARLIER.to_owned()], table(5))
        );
        assert_eq!(read(&dir.path().join(EARLIER)).unwrap(), table(4));
        step(&file, 6);
        assert_eq!(load(dir.path()).unwrap(), table(6));
    }

    #[test]
    fn a_table_that_was_overtaken_does_not_come_back() {
        let dir = tempfile::tempdir().unwrap();
        let file = TableFile::new(dir.path().to_owned());
        file.put(&table(1), None).unwrap();
        let written = file.write(&table(1)).unwrap();
        file.put(&table(7), None).unwrap();
        file.settle(written).unwrap();
        assert_eq!((names(dir.path()), load(dir.path()).unwrap()), (vec![LAST.to_owned()], table(7)));
    }

    #[test]
    fn a_kill_anywhere_leaves_what_was_put_in_place() {
        let dir = tempfile::tempdir().unwrap();
        let file = TableFile::new(dir.path().to_owned());
        file.put(&table(1), None).unwrap();
        (2..4).for_each(|epoch| step(&file, epoch));
        let lines = fs::read(dir.path().join(CHANGES)).unwrap();
        // In the middle of a line, after it, and before older changes are removed.
        let second = lines.iter().position(|byte| *byte == b'\n').unwrap() + 1;
        for cut in 0..=lines.len() {
            fs::write(dir.path().join(CHANGES), &lines[..cut]).unwrap();
            let whole = 1 + u64::from(cut >= second) + u64::from(cut == lines.len());
            assert_eq!(load(dir.path()).unwrap(), table(whole), "{cut}");
        }
        fs::write(dir.path().join(LAST), serde_json::to_vec(&table(9)).unwrap()).unwrap();
        assert_eq!(load(dir.path()).unwrap(), table(9), "older changes are passed over");
        // Another process does not add to what it did not write.
        let next = TableFile::new(dir.path().to_owned());
        step(&next, 10);
        assert_eq!((names(dir.path()), load(dir.path()).unwrap()), (vec![LAST.to_owned()], table(10)));
    }

    #[test]
    fn a_gap_ends_it() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(LAST), serde_json::to_vec(&table(1)).unwrap()).unwrap();
        let change = serde_json::to_string(&RouteChange::between(&table(2), &table(3))).unwrap();
        fs::write(dir.path().join(CHANGES), format!("{change}\n")).unwrap();
        assert_eq!(load(dir.path()).unwrap(), table(1));
    }
}
