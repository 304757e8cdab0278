//! The workshop on this machine: builds are directories, made in place because many tools write absolute paths into them.
//!
//! ```text
//! <data>/snapshots/<digest>/   a snapshot as it was uploaded, until its build is ready
//! <data>/builds/<id>/          a build: the clean copy its command ran in, read-only once sealed
//! <data>/provenance/<id>/      what was listed of it then
//! ```
//! Each step runs on a thread of its own and can be begun again: it starts by clearing away what an earlier try left.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt, lchown, symlink};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tidegate_core::model::{Build, BuildId};
use tidegate_core::provenance::Sealed;

use crate::provenance::{Kept, inspected, look, materials, sha256};
use crate::seams::{Inspection, Step, Workshop};
use crate::snapshot::{self, Entry, EntryKind, entry_of};

/// Called when a step is over, so that the control loop looks at once.
pub type Waker = Arc<dyn Fn() + Send + Sync>;

/// Where trees wait to be removed; cleared at the next start at the latest.
pub const TRASH: &str = "trash";

/// One sealed build at a time is looked at: two are not read faster than one, and what serves needs the disk as well.
static ONE_LOOK: Mutex<()> = Mutex::new(());

/// The workshop in a data directory.
pub struct DirWorkshop {
    data: PathBuf,
    builder: Option<(u32, u32)>,
    steps: Arc<Mutex<BTreeMap<BuildId, Step>>>,
    /// Looks at sealed builds; `None`: it goes on.
    looks: Arc<Mutex<BTreeMap<BuildId, Option<Inspection>>>>,
    waker: Waker,
}

impl DirWorkshop {
    /// The workshop under `data`. `builder`: who owns the clean copy where it is not us; whoever runs build commands may give it to
    /// somebody else before.
    pub fn new(data: &Path, builder: Option<(u32, u32)>, waker: Waker) -> io::Result<Self> {
        // Snapshots are nobody else's to read; builds are read by who knows the way to one.
        for (part, mode) in [("snapshots", 0o700), ("builds", 0o711)] {
            fs::create_dir_all(data.join(part))?;
            fs::set_permissions(data.join(part), Permissions::from_mode(mode))?;
        }
        Ok(DirWorkshop {
            data: data.to_owned(),
            builder,
            steps: Arc::default(),
            looks: Arc::default(),
            waker,
        })
    }

    /// Where an uploaded snapshot with this digest belongs.
    pub fn snapshot_dir(data: &Path, digest: &str) -> PathBuf {
        data.join("snapshots").join(digest)
    }

    /// Where a build is.
    pub fn build_dir(data: &Path, build: &BuildId) -> PathBuf {
        data.join("builds").join(build.0.get(..32).unwrap_or(&build.0))
    }

    /// Takes trees away at once and removes them in the background: a new one can take their place meanwhile.
    fn throw_away(&self, trees: Vec<PathBuf>) {
        let trash = self.data.join(TRASH);
        let mut moved = Vec::new();
        let done = fs::create_dir_all(&trash).and_then(|()| {
            trees.iter().filter(|tree| tree.symlink_metadata().is_ok()).try_for_each(|tree| {
                moved.push(trash.join(unique_name()));
                fs::rename(tree, &moved[moved.len() - 1])
            })
        });
        // Each its own trees only: the folder itself may be about to get the next ones.
        let remove = move || {
            for tree in moved {
                if let Err(error) = remove_tree(&tree) {
                    tracing::warn!(%error, "could not remove a tree");
                }
            }
        };
        let emptied = std::thread::Builder::new().name("workshop".to_owned()).spawn(remove);
        if let Err(error) = done.and(emptied.map(drop)) {
            tracing::warn!(%error, "could not remove a tree");
        }
    }

    fn begin(&mut self, build: &BuildId, work: impl FnOnce() -> Result<Step, String> + Send + 'static) {
        let mut steps = lock(&self.steps);
        if steps.get(build) == Some(&Step::Busy) {
            return;
        }
        steps.insert(build.clone(), Step::Busy);
        drop(steps);
        let (steps, waker, id) = (self.steps.clone(), self.waker.clone(), build.clone());
        let spawned = std::thread::Builder::new().name("workshop".to_owned()).spawn(move || {
            let step = work().unwrap_or_else(Step::Failed);
            lock(&steps).insert(id, step);
            waker();
        });
        if let Err(error) = spawned {
            lock(&self.steps).insert(build.clone(), Step::Failed(format!("cannot start a thread: {error}")));
        }
    }
}

impl Workshop for DirWorkshop {
    fn unpack(&mut self, build: &BuildId, snapshot: &str) {
        let (from, to) = (Self::snapshot_dir(&self.data, snapshot), self.dir(build));
        let builder = self.builder;
        self.begin(build, move || {
            remove_tree(&to).map_err(|e| format!("cannot clear {}: {e}", to.display()))?;
            copy_tree(&from, &to, builder).map_err(|e| format!("cannot copy the snapshot: {e}"))?;
            // Nobody else's until it is given to whom it is made for.
            let private = fs::set_permissions(&to, Permissions::from_mode(0o700));
            private.map_err(|e| format!("cannot close {}: {e}", to.display()))?;
            Ok(Step::Unpacked)
        });
    }

    fn seal(&mut self, build: &Build) {
        let dir = self.dir(&build.id);
        let (data, of) = (self.data.clone(), build.clone());
        self.begin(&build.id, move || {
            seal(&data, &dir, &of).map_err(|e| format!("cannot seal the build: {e}"))
        });
    }

    fn inspect(&mut self, build: &BuildId, subject: &str) {
        if lock(&self.looks).insert(build.clone(), None).is_some_and(|earlier| earlier.is_none()) {
            return;
        }
        let (dir, kept, subject) = (self.dir(build), Kept::of(&self.data, build), subject.to_owned());
        let (looks, waker, id) = (self.looks.clone(), self.waker.clone(), build.clone());
        let spawned = std::thread::Builder::new().name("inspection".to_owned()).spawn(move || {
            let one = ONE_LOOK.lock().unwrap_or_else(PoisonError::into_inner);
            let seen = inspected(&dir, &kept, &subject);
            drop(one);
            lock(&looks).insert(id, Some(seen));
            waker();
        });
        if let Err(error) = spawned {
            let problems = vec![format!("its files cannot be looked at: {error}")];
            lock(&self.looks).insert(build.clone(), Some(Inspection { problems, ..Inspection::default() }));
        }
    }

    fn inspected(&mut self, build: &BuildId) -> Option<Inspection> {
        let mut looks = lock(&self.looks);
        let seen = looks.get(build)?.clone()?;
        looks.remove(build);
        Some(seen)
    }

    fn step(&mut self, build: &BuildId) -> Step {
        lock(&self.steps).get(build).cloned().unwrap_or(Step::Idle)
    }

    fn discard(&mut self, build: &BuildId, snapshot: Option<&str>) {
        lock(&self.steps).remove(build);
        let mut trees = vec![self.dir(build), Kept::of(&self.data, build).dir().to_owned()];
        trees.extend(snapshot.map(|digest| Self::snapshot_dir(&self.data, digest)));
        self.throw_away(trees);
    }

    fn keep_snapshots(&mut self, needed: &BTreeSet<String>) {
        let Ok(items) = fs::read_dir(self.data.join("snapshots")) else { return };
        let names = items.flatten().map(|item| item.file_name());
        let old = names.filter(|name| !name.to_str().is_some_and(|name| needed.contains(name)));
        let old: Vec<PathBuf> = old.map(|name| self.data.join("snapshots").join(name)).collect();
        if !old.is_empty() {
            self.throw_away(old);
        }
    }

    fn dir(&self, build: &BuildId) -> PathBuf {
        Self::build_dir(&self.data, build)
    }

    fn check_folder(&self, build: &BuildId, folder: &str) -> Result<(), String> {
        let meta = within(&self.dir(build), folder)?;
        if meta.is_dir() { Ok(()) } else { Err(format!("`{folder}` is not a folder")) }
    }

    fn check_file(&self, build: &BuildId, file: &str) -> Result<(), String> {
        let meta = within(&self.dir(build), file)?;
        if meta.is_file() { Ok(()) } else { Err(format!("`{file}` is not a file")) }
    }
}

/// What a path leads to, links followed, where that is within the folder.
fn within(dir: &Path, path: &str) -> Result<fs::Metadata, String> {
    let absent = |_| format!("the build has no `{path}`: is it what the build command makes?");
    let there = dir.join(path).canonicalize().map_err(absent)?;
    let dir = dir.canonicalize().map_err(|error| format!("the build cannot be read: {error}"))?;
    if !there.starts_with(&dir) {
        return Err(format!("`{path}` is a link that leads out of the build"));
    }
    fs::metadata(&there).map_err(|error| format!("`{path}` cannot be read: {error}"))
}

/// A name that no other tree in the trash has.
fn unique_name() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    format!("{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Copies a tree of directories, files and links; file contents are shared where the file system can.
fn copy_tree(from: &Path, to: &Path, owner: Option<(u32, u32)>) -> io::Result<()> {
    fs::create_dir(to)?;
    own(to, owner)?;
    for item in fs::read_dir(from)? {
        let item = item?;
        let (source, place) = (item.path(), to.join(item.file_name()));
        let kind = item.file_type()?;
        if kind.is_dir() {
            copy_tree(&source, &place, owner)?;
        } else if kind.is_symlink() {
            symlink(fs::read_link(&source)?, &place)?;
            own(&place, owner)?;
        } else {
            fs::copy(&source, &place)?;
            own(&place, owner)?;
        }
    }
    Ok(())
}

fn own(path: &Path, owner: Option<(u32, u32)>) -> io::Result<()> {
    owner.map_or(Ok(()), |(user, group)| lchown(path, Some(user), Some(group)))
}

/// Makes every file read-only, everyone's to read, takes the digest of the whole, and lists what it is made of.
fn seal(data: &Path, dir: &Path, build: &Build) -> io::Result<Step> {
    let (entries, size) = freeze_all(dir)?;
    let seen = look(dir)?;
    let known: BTreeMap<&str, &str> =
        seen.listing.lines().iter().map(|line| (line.path.as_str(), line.digest.as_str())).collect();
    let content = snapshot::tree_digest_by(&entries, |path| {
        known
            .get(path)
            .and_then(|digest| bytes_of(digest))
            .ok_or_else(|| io::Error::other(format!("{path} is gone")))
    })?;
    // What came in says more than what the build command left of it.
    let came_in = DirWorkshop::snapshot_dir(data, &build.snapshot);
    let of = materials(if came_in.is_dir() { &came_in } else { dir }, build)?;
    Kept::of(data, &build.id).write(&seen.listing, &of.sbom)?;
    let sbom = Some(sha256(of.sbom.as_bytes()));
    let found = Sealed { subject: seen.digest, manifest: of.manifest, sbom, notes: of.notes };
    Ok(Step::Sealed { content, size, found })
}

/// A SHA-256 from its hex digits.
fn bytes_of(hex: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(hex.get(2 * at..2 * at + 2)?, 16).ok()?;
    }
    Some(bytes)
}

/// Makes every file read-only, everyone's to read who may enter the build; the files and links, sorted, and their size in bytes. Where we
/// are root nobody else may enter it: whatever runs in it is let in by the backend.
fn freeze_all(dir: &Path) -> io::Result<(Vec<Entry>, u64)> {
    let builder = fs::symlink_metadata(dir)?.uid();
    let to_root = lchown(dir, Some(0), Some(0)).is_ok();
    let mut entries = Vec::new();
    let mut directories = vec![dir.to_owned()];
    while let Some(directory) = directories.pop() {
        for item in fs::read_dir(&directory)? {
            let path = item?.path();
            let meta = fs::symlink_metadata(&path)?;
            if meta.is_dir() {
                directories.push(path);
                continue;
            }
            freeze(&path, &meta, builder, to_root)?;
            entries.extend(entry_of(dir, &path).map_err(io::Error::other)?);
        }
        if to_root {
            lchown(&directory, Some(0), Some(0))?;
        }
        let closed = to_root && directory == dir;
        let mode = if closed { 0o500 } else { 0o555 };
        fs::set_permissions(&directory, Permissions::from_mode(mode))?;
    }
    entries.sort();
    let size = entries.iter().map(|e| if let EntryKind::File { size, .. } = e.kind { size } else { 0 }).sum();
    Ok((entries, size))
}

/// One file or link. A file that neither the build command nor an earlier try of sealing owns is somebody else's, reached
/// by a hard link: it must not be touched.
fn freeze(path: &Path, meta: &fs::Metadata, builder: u32, to_root: bool) -> io::Result<()> {
    let sealed_before = to_root && meta.uid() == 0;
    if !sealed_before && meta.uid() != builder {
        return Err(io::Error::other(format!("{} is owned by user {}", path.display(), meta.uid())));
    }
    if sealed_before && builder != 0 {
        return Ok(());
    }
    if to_root {
        lchown(path, Some(0), Some(0))?;
    }
    if meta.is_file() {
        let execute = if meta.permissions().mode() & 0o111 == 0 { 0 } else { 0o111 };
        fs::set_permissions(path, Permissions::from_mode(0o444 | execute))?;
    }
    Ok(())
}

/// Removes a tree, read-only directories included. Nothing there: nothing happens.
pub fn remove_tree(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
        Ok(meta) if !meta.is_dir() => return fs::remove_file(path),
        Ok(_) => {}
    }
    if fs::remove_dir_all(path).is_ok() {
        return Ok(());
    }
    make_writable(path)?;
    fs::remove_dir_all(path)
}

fn make_writable(dir: &Path) -> io::Result<()> {
    let mut mode = fs::metadata(dir)?.permissions();
    mode.set_mode(mode.mode() | 0o700);
    fs::set_permissions(dir, mode)?;
    for item in fs::read_dir(dir)? {
        let item = item?;
        if item.file_type()?.is_dir() {
            make_writable(&item.path())?;
        }
    }
    Ok(())
}
