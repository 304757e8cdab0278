//! Paths of manifests within a workspace: never out of it, and never through a link.

use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use tidegate_core::pipeline::Pattern;

use crate::snapshot::digest_of;

/// Files and folders one pattern may find.
const MOST_FOUND: usize = 10_000;
/// And so many may be looked at for it.
const MOST_SEEN: usize = 2_000_000;
/// Deeper than any workspace.
const DEEPEST: usize = 200;

/// A path of a manifest within a workspace.
///
/// # Errors
/// `InvalidInput` where it would lead out of it, or goes through a link.
pub(super) fn within(workspace: &Path, path: &str) -> io::Result<PathBuf> {
    let mut to = workspace.to_owned();
    for part in Path::new(path).components() {
        match part {
            Component::CurDir => continue,
            Component::Normal(part) => to.push(part),
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => return Err(outside(path)),
        }
        if fs::symlink_metadata(&to).is_ok_and(|meta| meta.is_symlink()) {
            return Err(outside(path));
        }
    }
    Ok(to)
}

/// What of a workspace a pattern means, relative to it. A folder that is meant is taken whole.
pub(super) fn matching(workspace: &Path, pattern: &str) -> io::Result<Vec<PathBuf>> {
    let pattern = Pattern::of_path(pattern)
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, format!("`{pattern}`: {error}")))?;
    let mut search = Search { workspace, pattern: &pattern, found: Vec::new(), seen: 0 };
    search.below(Path::new(""), 0)?;
    search.found.sort();
    Ok(search.found)
}

/// A walk through a workspace.
struct Search<'a> {
    workspace: &'a Path,
    pattern: &'a Pattern,
    found: Vec<PathBuf>,
    seen: usize,
}

impl Search<'_> {
    fn below(&mut self, dir: &Path, depth: usize) -> io::Result<()> {
        if depth > DEEPEST {
            return Err(io::Error::other("its folders are nested too deep"));
        }
        for item in fs::read_dir(self.workspace.join(dir))? {
            let item = item?;
            let path = dir.join(item.file_name());
            self.seen += 1;
            if self.seen > MOST_SEEN || self.found.len() >= MOST_FOUND {
                return Err(io::Error::other(format!("`{}` means too many files", self.pattern)));
            }
            if path.to_str().is_some_and(|path| self.pattern.matches(path)) {
                self.found.push(path);
            } else if item.file_type()?.is_dir() && self.may_be_below(&path) {
                self.below(&path, depth + 1)?;
            }
        }
        Ok(())
    }

    /// Whether a folder can have what is meant: it fits the pattern as far as that has no wildcard.
    fn may_be_below(&self, dir: &Path) -> bool {
        let plain = self.pattern.as_str().split('/').take_while(|part| !part.contains(['*', '?']));
        let names = dir.components().map(|part| part.as_os_str());
        plain.zip(names).all(|(part, name)| name == part)
    }
}

/// What a cached folder is known by.
pub(super) fn cache_key(folder: &str) -> String {
    digest_of(&[folder.as_bytes()]).chars().take(16).collect()
}

fn outside(path: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, format!("`{path}` leads out of the workspace"))
}
