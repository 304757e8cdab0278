//! Bringing a backup back: beside its place first, all of it checked, and only then in its place, in one step.

use std::ffi::OsString;
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use serde::Serialize;
use tidegate_core::event::Event;
use tidegate_core::model::BuildPhase;
use tidegate_os::file::free_bytes;
use tidegate_os::lock::{Lock, LockError};
use tidegate_store::Store;

use crate::error::{BackupError, io, mistake};
use crate::key::Unlock;
use crate::layout::{BUILDS, DATABASE, MARKER};
use crate::manifest::Preface;
use crate::read::{self, Meta, Sink, Verified};

/// So much of the disk is left to others.
const LEFT: u64 = 64 << 20;
/// How often that is looked at, in bytes written.
const LOOK_EVERY: u64 = 16 << 20;
/// Further than any instance gets on while a backup is brought back: whatever still runs of it elsewhere is older.
const GENERATIONS: u64 = 1_000;
/// The same for tables of the gateway.
const EPOCHS: u64 = 1_000_000;

/// What was brought back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Restored {
    /// The data directory.
    pub data: PathBuf,
    /// The backup.
    #[serde(flatten)]
    pub backup: Verified,
    /// Where the data directory was before, where that is another place: what is built may know where it lies.
    pub moved_from: Option<PathBuf>,
}

/// Brings a backup back into a data directory that is not there yet, or empty. Killed at any moment it leaves that as it was, and a
/// part beside it that the next one takes away. `unix_ms`: now, for the timeline.
pub fn restore(file: &Path, data: &Path, unlock: &Unlock, unix_ms: u64) -> Result<Restored, BackupError> {
    let place = Place::take(data)?;
    let mut staged = Staged::new(&place.staging);
    let outcome = read::read(file, unlock, &mut staged).and_then(|(preface, manifest)| {
        staged.finish()?;
        let verified = read::verified(preface, manifest);
        settle(&place.staging, &verified, unix_ms)?;
        place.put()?;
        Ok(verified)
    });
    match outcome {
        Ok(backup) => {
            let moved_from = Some(backup.data.clone()).filter(|before| *before != place.data);
            Ok(Restored { data: place.data, backup, moved_from })
        }
        Err(error) => {
            let _ = open_up(&place.staging).and_then(|()| fs::remove_dir_all(&place.staging));
            Err(error)
        }
    }
}

/// Where it goes to, and where it waits meanwhile.
struct Place {
    data: PathBuf,
    staging: PathBuf,
    /// Also that of the data directory, once it is in place: nobody begins with it before all is done.
    _lock: Lock,
}

impl Place {
    fn take(data: &Path) -> Result<Place, BackupError> {
        let name = data.file_name();
        let name = name.ok_or_else(|| {
            mistake(format!("{} is no place for it", data.display()), "name a folder: --data DIR")
        })?;
        let taken = match fs::read_dir(data) {
            Ok(mut items) => items.next().is_some(),
            Err(error) if error.kind() == ErrorKind::NotFound => false,
            Err(error) => return Err(io("use", data)(error)),
        };
        if taken {
            let what = format!("{} is not empty", data.display());
            return Err(mistake(what, "a backup is brought back into an empty data directory: --data DIR"));
        }
        let parent = data.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        fs::create_dir_all(parent).map_err(io("make", parent))?;
        let parent = fs::canonicalize(parent).map_err(io("use", parent))?;
        let mut hidden = OsString::from(".");
        hidden.push(name);
        hidden.push(".restoring");
        let staging = parent.join(hidden);
        let lock = Self::clear(&staging)?;
        Ok(Place { data: parent.join(name), staging, _lock: lock })
    }

    /// Takes away what a killed one left, unless one is at work.
    fn clear(staging: &Path) -> Result<Lock, BackupError> {
        if staging.symlink_metadata().is_ok() {
            if let Some(pid) = tidegate_os::lock::holder(&staging.join("lock")) {
                return Err(at_work(staging, pid));
            }
            open_up(staging).and_then(|()| fs::remove_dir_all(staging)).map_err(io("remove", staging))?;
        }
        DirBuilder::new().mode(0o700).create(staging).map_err(io("make", staging))?;
        Lock::acquire(&staging.join("lock")).map_err(|error| match error {
            LockError::Held { pid } => at_work(staging, pid),
            LockError::Io(source) => io("lock", staging)(source),
        })
    }

    fn put(&self) -> Result<(), BackupError> {
        let parent = self.data.parent().unwrap_or(Path::new("."));
        let synced = File::open(&self.staging).and_then(|dir| Ok(nix::unistd::syncfs(dir)?));
        synced.map_err(io("sync", &self.staging))?;
        // As `tidegate up` makes it: others may pass through to what is theirs.
        fs::set_permissions(&self.staging, Permissions::from_mode(0o711))
            .map_err(io("open", &self.staging))?;
        // In place of an empty folder, or of nothing; a folder that is not empty any more makes it fail.
        fs::rename(&self.staging, &self.data).map_err(io("put in place", &self.data))?;
        File::open(parent).and_then(|dir| dir.sync_all()).map_err(io("sync", parent))
    }
}

fn at_work(staging: &Path, pid: u32) -> BackupError {
    let what = format!("process {pid} is bringing a backup back there already ({})", staging.display());
    mistake(what, "wait until it is done")
}

/// What was brought back is made the newest there is of its kind, and knows what it is.
fn settle(staging: &Path, verified: &Verified, unix_ms: u64) -> Result<(), BackupError> {
    for needed in [MARKER, DATABASE] {
        if !staging.join(needed).is_file() {
            let why = format!("it has no {needed}");
            return Err(BackupError::Damaged {
                path: staging.to_owned(),
                member: Some(needed.to_owned()),
                why,
            });
        }
    }
    for name in &verified.absent {
        let half = staging.join(BUILDS).join(Path::new(name).file_name().unwrap_or_default());
        if half.is_dir() && half.parent() == Some(&staging.join(BUILDS)) {
            open_up(&half).and_then(|()| fs::remove_dir_all(&half)).map_err(io("remove", &half))?;
        }
    }
    let mut store = Store::open(&staging.join(DATABASE))?;
    store.transaction(|tx| {
        for (key, instances) in tx.all_instances()? {
            for mut instance in instances {
                instance.generation += GENERATIONS;
                tx.put_instance(&key, &instance)?;
            }
        }
        let mut table = tx.routing()?;
        table.epoch += EPOCHS;
        tx.put_routing(&table)?;
        for mut build in tx.builds()? {
            let folder = build.id.0.get(..32).unwrap_or(&build.id.0);
            if build.phase == BuildPhase::Ready && verified.absent.iter().any(|name| name == folder) {
                build.phase = BuildPhase::Pruned;
                tx.put_build(&build)?;
            }
        }
        let message = format!("restored from a backup of {}", verified.data.display());
        tx.event(&Event::platform("backup.restored", message), unix_ms).map(drop)
    })?;
    store.checkpoint()?;
    Ok(())
}

/// Lets us remove what is in folders that nobody may write to.
fn open_up(dir: &Path) -> std::io::Result<()> {
    if !dir.symlink_metadata()?.is_dir() {
        return Ok(());
    }
    fs::set_permissions(dir, Permissions::from_mode(0o700))?;
    for item in fs::read_dir(dir)? {
        let item = item?;
        if item.file_type()?.is_dir() {
            open_up(&item.path())?;
        }
    }
    Ok(())
}

/// Files on their way into a folder that nobody else enters. No path here leads through a link: each folder was made by us.
struct Staged<'p> {
    root: &'p Path,
    /// Folders get their modes last: some may not be written to.
    folders: Vec<(PathBuf, Meta)>,
    open: Option<(PathBuf, Meta, File)>,
    unlooked: u64,
}

impl<'p> Staged<'p> {
    fn new(root: &'p Path) -> Self {
        Staged { root, folders: Vec::new(), open: None, unlooked: LOOK_EVERY }
    }

    fn finish(&mut self) -> Result<(), BackupError> {
        for (path, meta) in self.folders.drain(..).rev() {
            let opened = File::open(&path).map_err(io("open", &path))?;
            let _ = opened.set_modified(UNIX_EPOCH + Duration::from_secs(meta.modified_s));
            fs::set_permissions(&path, Permissions::from_mode(meta.mode)).map_err(io("close", &path))?;
        }
        Ok(())
    }

    /// A file system that is full to the brim is nobody's use.
    fn room(&mut self, bytes: u64) -> Result<(), BackupError> {
        self.unlooked += bytes;
        if self.unlooked >= LOOK_EVERY {
            self.unlooked = 0;
            if free_bytes(self.root).map_err(io("look at", self.root))? < LEFT {
                return Err(BackupError::DiskFull { path: self.root.to_owned() });
            }
        }
        Ok(())
    }
}

impl Sink for Staged<'_> {
    fn begin(&mut self, _: &Preface) -> Result<(), BackupError> {
        self.room(0)
    }

    fn folder(&mut self, path: &Path, meta: Meta) -> Result<(), BackupError> {
        let at = self.root.join(path);
        DirBuilder::new().mode(0o700).create(&at).map_err(io("make", &at))?;
        self.folders.push((at, meta));
        Ok(())
    }

    fn link(&mut self, path: &Path, target: &Path) -> Result<(), BackupError> {
        let at = self.root.join(path);
        symlink(target, &at).map_err(io("make", &at))
    }

    fn file(&mut self, path: &Path, meta: Meta) -> Result<(), BackupError> {
        let at = self.root.join(path);
        let made =
            OpenOptions::new().write(true).create_new(true).mode(0o600).open(&at).map_err(io("make", &at))?;
        self.open = Some((at, meta, made));
        self.room(4_096)
    }

    fn bytes(&mut self, bytes: &[u8]) -> Result<(), BackupError> {
        if let Some((at, _, file)) = &mut self.open {
            file.write_all(bytes).map_err(io("write", at))?;
        }
        self.room(bytes.len() as u64)
    }

    fn end(&mut self) -> Result<(), BackupError> {
        let Some((at, meta, file)) = self.open.take() else { return Ok(()) };
        let _ = file.set_modified(UNIX_EPOCH + Duration::from_secs(meta.modified_s));
        file.set_permissions(Permissions::from_mode(meta.mode)).map_err(io("close", &at))
    }
}
