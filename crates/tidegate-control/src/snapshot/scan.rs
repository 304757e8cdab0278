//! Which files of a folder belong to its snapshot.

use std::path::{Path, PathBuf};

use ignore::WalkBuilder;

/// A folder and the files of it that count, sorted by path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// The folder.
    pub root: PathBuf,
    /// Its files and links.
    pub entries: Vec<Entry>,
}

/// One file or link.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// Path from the folder, with `/`.
    pub path: String,
    /// What it is.
    pub kind: EntryKind,
}

/// What an entry is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum EntryKind {
    /// A regular file.
    File {
        /// Its size in bytes.
        size: u64,
        /// Whether it may be executed.
        executable: bool,
    },
    /// A symbolic link that stays inside the folder.
    Link {
        /// Where it points.
        target: String,
    },
}

/// Why a folder cannot be taken.
#[derive(Debug, thiserror::Error)]
pub enum ScanError {
    /// A file or folder cannot be read.
    #[error("cannot read {path}: {reason}")]
    Unreadable {
        /// Which.
        path: String,
        /// Why.
        reason: String,
    },
    /// A name that is not UTF-8.
    #[error("{0}: file names must be UTF-8")]
    NotUtf8(String),
    /// Too much.
    #[error("the folder has more than {0} files that are not ignored; add what is not needed to .gitignore")]
    TooMany(usize),
    /// Too large.
    #[error(
        "the folder's files that are not ignored are over {0} bytes together; add what is not needed to .gitignore"
    )]
    TooLarge(u64),
}

/// The most files a snapshot has.
pub const MOST_FILES: usize = 200_000;
/// The most bytes a snapshot has.
pub const MOST_BYTES: u64 = 4 << 30;

/// Lists a folder's snapshot. Honours `.gitignore` (and the user's and the repository's excludes) whether or not the folder
/// is a Git checkout.
pub fn scan(root: &Path) -> Result<Snapshot, ScanError> {
    let mut entries = Vec::new();
    let mut bytes = 0_u64;
    for item in walker(root) {
        let item = item
            .map_err(|e| ScanError::Unreadable { path: root.display().to_string(), reason: e.to_string() })?;
        let Some(entry) = entry_of(root, item.path())? else { continue };
        if let EntryKind::File { size, .. } = entry.kind {
            bytes += size;
        }
        entries.push(entry);
        if entries.len() > MOST_FILES {
            return Err(ScanError::TooMany(MOST_FILES));
        }
        if bytes > MOST_BYTES {
            return Err(ScanError::TooLarge(MOST_BYTES));
        }
    }
    entries.sort();
    Ok(Snapshot { root: root.to_owned(), entries })
}

/// Every file and link below a directory, sorted by path, nothing left out: for directories that hold a snapshot already.
pub fn every_file(root: &Path) -> Result<Vec<Entry>, ScanError> {
    let mut entries = Vec::new();
    let walk = WalkBuilder::new(root).standard_filters(false).follow_links(false).build();
    for item in walk {
        let item = item
            .map_err(|e| ScanError::Unreadable { path: root.display().to_string(), reason: e.to_string() })?;
        entries.extend(entry_of(root, item.path())?);
    }
    entries.sort();
    Ok(entries)
}

fn walker(root: &Path) -> ignore::Walk {
    WalkBuilder::new(root)
        .hidden(false)
        .parents(true)
        .require_git(false)
        .ignore(false)
        .follow_links(false)
        .filter_entry(|entry| entry.depth() == 0 || !always_left_out(&entry.file_name().to_string_lossy()))
        .build()
}

/// Git's own folder, Tidegate's data, and files that hold configuration.
fn always_left_out(name: &str) -> bool {
    let example = [".example", ".sample", ".template"].iter().any(|end| name.ends_with(end));
    name == ".git" || name == ".tidegate" || ((name == ".env" || name.starts_with(".env.")) && !example)
}

/// The entry of one path; `None` for directories and for what is neither file nor link.
pub(crate) fn entry_of(root: &Path, path: &Path) -> Result<Option<Entry>, ScanError> {
    let unreadable =
        |e: std::io::Error| ScanError::Unreadable { path: path.display().to_string(), reason: e.to_string() };
    let meta = path.symlink_metadata().map_err(unreadable)?;
    let relative = path.strip_prefix(root).unwrap_or(path);
    let name = || ScanError::NotUtf8(relative.to_string_lossy().into_owned());
    let relative_text = relative.to_str().ok_or_else(name)?.to_owned();
    let kind = if meta.is_file() {
        use std::os::unix::fs::PermissionsExt;
        EntryKind::File { size: meta.len(), executable: meta.permissions().mode() & 0o100 != 0 }
    } else if meta.is_symlink() {
        let target = path.read_link().map_err(unreadable)?;
        EntryKind::Link { target: target.to_str().ok_or_else(name)?.to_owned() }
    } else {
        return Ok(None);
    };
    Ok(Some(Entry { path: relative_text, kind }))
}
