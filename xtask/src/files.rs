//! The files of the repository: what lies in the tree, without what is built or fetched.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

const SKIPPED: [&str; 7] = [".git", ".tidegate", ".cache", ".venv", "__pycache__", "node_modules", "target"];

/// Every file under `root`, in order, relative to it.
pub fn all(root: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    collect(root, root, &mut found)?;
    found.sort();
    Ok(found)
}

fn collect(root: &Path, folder: &Path, found: &mut Vec<PathBuf>) -> io::Result<()> {
    for item in fs::read_dir(folder)? {
        let item = item?;
        let name = item.file_name();
        let kind = item.file_type()?;
        if kind.is_dir() && !SKIPPED.iter().any(|skipped| name == *skipped) {
            collect(root, &item.path(), found)?;
        } else if kind.is_file() {
            found.extend(item.path().strip_prefix(root).ok().map(Path::to_owned));
        }
    }
    Ok(())
}
