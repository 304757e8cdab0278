//! What a git that was killed leaves in a repository: objects of a push that was never taken, and locks that nobody holds.

use std::fs;
use std::io;
use std::path::Path;

/// Clears them. Nothing of ours may be at work in the repository.
pub(super) fn clear(repository: &Path) -> io::Result<()> {
    let objects = repository.join("objects");
    remove(&objects, |name| name.starts_with("tmp_objdir-") || name.starts_with("tmp_obj_"))?;
    remove(&objects.join("pack"), |name| name.starts_with("tmp_"))?;
    remove(repository, is_lock)?;
    locks_below(&repository.join("refs"))
}

fn is_lock(name: &str) -> bool {
    name.ends_with(".lock")
}

/// No branch can be called so: Git forbids names that end like this.
fn locks_below(folder: &Path) -> io::Result<()> {
    remove(folder, is_lock)?;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            locks_below(&entry.path())?;
        }
    }
    Ok(())
}

fn remove(folder: &Path, which: impl Fn(&str) -> bool) -> io::Result<()> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        if !which(&entry.file_name().to_string_lossy()) {
            continue;
        }
        if entry.file_type()?.is_dir() {
            fs::remove_dir_all(entry.path())?;
        } else {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}
