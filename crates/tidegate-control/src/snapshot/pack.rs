//! The tar a snapshot travels in. Unpacking trusts nothing: the archive may come from anyone with a token.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, symlink};
use std::path::{Component, Path, PathBuf};

use super::scan::{EntryKind, MOST_BYTES, MOST_FILES, Snapshot};

/// How much an archive may hold.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Files and links.
    pub files: usize,
    /// Bytes of all files together.
    pub bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { files: MOST_FILES, bytes: MOST_BYTES }
    }
}

/// Why an archive is refused.
#[derive(Debug, thiserror::Error)]
pub enum UnpackError {
    /// The machine: disk full, permission.
    #[error("cannot unpack the snapshot: {0}")]
    Io(#[from] io::Error),
    /// A path or link that leads outside, or a kind of entry that has no place in a snapshot.
    #[error("the snapshot is refused: `{path}` {reason}")]
    Unsafe {
        /// The entry.
        path: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Over a limit.
    #[error("the snapshot is refused: it has more than {0}")]
    TooMuch(String),
}

/// Writes the snapshot as a tar: entries in order, no times and no owners, so that the same snapshot gives the same bytes.
pub fn pack(snapshot: &Snapshot, out: impl Write) -> io::Result<()> {
    let mut archive = tar::Builder::new(out);
    for entry in &snapshot.entries {
        let mut header = tar::Header::new_gnu();
        header.set_mtime(0);
        match &entry.kind {
            EntryKind::File { size, executable } => {
                header.set_entry_type(tar::EntryType::Regular);
                header.set_mode(if *executable { 0o755 } else { 0o644 });
                header.set_size(*size);
                // A file that shrinks or grows meanwhile must not shift the entries after it.
                let content = File::open(snapshot.root.join(&entry.path))?.take(*size);
                archive.append_data(&mut header, &entry.path, PadTo { inner: content, left: *size })?;
            }
            EntryKind::Link { target } => {
                header.set_entry_type(tar::EntryType::Symlink);
                header.set_mode(0o777);
                header.set_size(0);
                archive.append_link(&mut header, &entry.path, target)?;
            }
        }
    }
    archive.into_inner()?.flush()
}

/// Exactly `left` bytes: an error where the file ended early.
struct PadTo<R> {
    inner: R,
    left: u64,
}

impl<R: Read> Read for PadTo<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.left -= read as u64;
        if read == 0 && self.left > 0 {
            return Err(io::Error::other("a file changed while the snapshot was taken; try again"));
        }
        Ok(read)
    }
}

/// Unpacks an archive into an empty directory.
pub fn unpack(archive: impl Read, into: &Path, limits: Limits) -> Result<(), UnpackError> {
    let mut files = 0_usize;
    let mut bytes = 0_u64;
    let mut links = BTreeSet::new();
    for entry in tar::Archive::new(archive).entries()? {
        let mut entry = entry?;
        let named = entry.path()?.into_owned();
        let unsafe_entry = |reason| UnpackError::Unsafe { path: named.display().to_string(), reason };
        let kind = entry.header().entry_type();
        if !is_inside(&named) {
            return Err(unsafe_entry("leads outside the folder"));
        }
        let path = plain(&named);
        // A file under a link could be written anywhere.
        if path.ancestors().any(|part| links.contains(part)) {
            return Err(unsafe_entry("lies under a link of the same snapshot"));
        }
        files += 1;
        if files > limits.files {
            return Err(UnpackError::TooMuch(format!("{} files", limits.files)));
        }
        let place = into.join(&path);
        if kind.is_dir() {
            fs::create_dir_all(&place)?;
            continue;
        }
        if let Some(parent) = place.parent() {
            fs::create_dir_all(parent)?;
        }
        if kind.is_symlink() {
            let target = entry.link_name()?.ok_or_else(|| unsafe_entry("is a link to nowhere"))?.into_owned();
            let from = path.parent().unwrap_or(Path::new(""));
            if climbs_late(&target) {
                return Err(unsafe_entry("is a link with `..` after a name; write its target without"));
            }
            if !stays_inside(from, &target) {
                return Err(unsafe_entry("is a link that leads outside the folder"));
            }
            symlink(&target, &place)?;
            links.insert(path.clone());
        } else if kind.is_file() {
            bytes = bytes.saturating_add(entry.size());
            if bytes > limits.bytes {
                return Err(UnpackError::TooMuch(format!("{} bytes", limits.bytes)));
            }
            let mode = if entry.header().mode()? & 0o100 != 0 { 0o755 } else { 0o644 };
            let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&place)?;
            io::copy(&mut entry, &mut file)?;
        } else {
            return Err(unsafe_entry("is neither a file nor a link nor a folder"));
        }
    }
    Ok(())
}

fn is_inside(path: &Path) -> bool {
    path.components().next().is_some()
        && path.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir))
}

/// One spelling per place: `./a` and `a` are the same, and so are what was noted of them.
fn plain(path: &Path) -> PathBuf {
    path.components().filter(|part| !matches!(part, Component::CurDir)).collect()
}

/// Whether `..` follows a name: where that name is a link itself, `..` leaves the place the link leads to, and the text says
/// nothing of where that is.
fn climbs_late(target: &Path) -> bool {
    let mut named = false;
    target.components().any(|part| {
        named |= matches!(part, Component::Normal(_));
        named && part == Component::ParentDir
    })
}

/// Whether a link in the folder `from` to `target` ends inside, by its text: true only where nothing [climbs late][climbs_late].
fn stays_inside(from: &Path, target: &Path) -> bool {
    let mut depth = from.components().count();
    for part in target.components() {
        match part {
            Component::Normal(_) => depth += 1,
            Component::CurDir => {}
            Component::ParentDir if depth > 0 => depth -= 1,
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => return false,
        }
    }
    true
}
