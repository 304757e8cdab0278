//! Copying trees into and out of workspaces: bounded, and no link is followed.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

/// What may still be copied.
#[derive(Debug)]
pub(super) struct Budget {
    bytes: u64,
    files: usize,
}

impl Budget {
    /// Of a workspace: what a build may have, and its caches.
    pub(super) fn of_workspace() -> Self {
        Budget { bytes: 32 << 30, files: 2_000_000 }
    }

    /// Of what one step leaves for later ones.
    pub(super) fn of_artifacts() -> Self {
        Budget { bytes: 4 << 30, files: 200_000 }
    }

    fn take(&mut self, bytes: u64) -> io::Result<()> {
        let left = self.files.checked_sub(1).zip(self.bytes.checked_sub(bytes));
        let Some((files, bytes)) = left else {
            return Err(io::Error::other("there is more of it than may be kept"));
        };
        (self.files, self.bytes) = (files, bytes);
        Ok(())
    }
}

/// Copies a file, a link or a tree to a place; what is there already is replaced, but for folders, which are filled up. Whoever
/// gets the copy may write to it.
pub(super) fn copy_over(from: &Path, to: &Path, budget: &mut Budget) -> io::Result<()> {
    if let Some(parent) = to.parent() {
        fs::create_dir_all(parent)?;
    }
    copy(from, to, budget)
}

fn copy(from: &Path, to: &Path, budget: &mut Budget) -> io::Result<()> {
    let meta = fs::symlink_metadata(from)?;
    budget.take(if meta.is_file() { meta.len() } else { 0 })?;
    if meta.is_dir() {
        return copy_dir(from, to, budget);
    }
    match fs::symlink_metadata(to) {
        Ok(there) if there.is_dir() => return Err(io::Error::other(format!("{} is a folder", to.display()))),
        Ok(_) => fs::remove_file(to)?,
        Err(_) => {}
    }
    if meta.is_symlink() {
        symlink(fs::read_link(from)?, to)
    } else if meta.is_file() {
        fs::copy(from, to)?;
        let execute = if meta.permissions().mode() & 0o111 == 0 { 0 } else { 0o111 };
        fs::set_permissions(to, Permissions::from_mode(0o644 | execute))
    } else {
        // A socket or a pipe of a process that is gone.
        Ok(())
    }
}

fn copy_dir(from: &Path, to: &Path, budget: &mut Budget) -> io::Result<()> {
    match fs::symlink_metadata(to) {
        Ok(there) if there.is_dir() => {}
        Ok(_) => return Err(io::Error::other(format!("{} is no folder", to.display()))),
        Err(_) => fs::create_dir(to)?,
    }
    for item in fs::read_dir(from)? {
        let item = item?;
        copy(&item.path(), &to.join(item.file_name()), budget)?;
    }
    Ok(())
}
