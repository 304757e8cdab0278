//! Paths of manifests within a workspace: never out of it, and never through a link.

use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use crate::snapshot::digest_of;

/// Files and folders one pattern may find.
const MOST_FOUND: usize = 10_000;

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

/// What of a workspace a pattern means, relative to it; `*` stands for any characters of a name.
pub(super) fn matching(workspace: &Path, pattern: &str) -> io::Result<Vec<PathBuf>> {
    let mut found = vec![PathBuf::new()];
    for part in pattern.split('/').filter(|part| !matches!(*part, "" | ".")) {
        if part == ".." {
            return Err(outside(pattern));
        }
        found =
            found.iter().map(|dir| names_in(workspace, dir, part)).collect::<io::Result<Vec<_>>>()?.concat();
        if found.len() > MOST_FOUND {
            return Err(io::Error::other(format!("`{pattern}` means more than {MOST_FOUND} files")));
        }
    }
    found.retain(|path| !path.as_os_str().is_empty());
    Ok(found)
}

fn names_in(workspace: &Path, dir: &Path, part: &str) -> io::Result<Vec<PathBuf>> {
    let whole = workspace.join(dir);
    if !fs::symlink_metadata(&whole).is_ok_and(|meta| meta.is_dir()) {
        return Ok(Vec::new());
    }
    let mut names: Vec<PathBuf> = Vec::new();
    for item in fs::read_dir(&whole)? {
        let name = item?.file_name();
        if name.to_str().is_some_and(|name| fits(part, name)) {
            names.push(dir.join(name));
        }
    }
    names.sort();
    Ok(names)
}

/// Whether a name is one of a pattern: `*` stands for any characters.
fn fits(pattern: &str, name: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else { return pattern == name };
    let Some(left) = name.strip_prefix(first) else { return false };
    let ends = left.char_indices().map(|(at, _)| at).chain([left.len()]);
    ends.into_iter().any(|at| fits(rest, &left[at..]))
}

/// What a cached folder is known by.
pub(super) fn cache_key(folder: &str) -> String {
    digest_of(&[folder.as_bytes()]).chars().take(16).collect()
}

fn outside(path: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, format!("`{path}` leads out of the workspace"))
}
