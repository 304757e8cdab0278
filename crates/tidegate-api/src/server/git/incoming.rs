//! What a push has brought and nobody has taken yet. Git removes it where it ends by itself, and leaves it where it is killed.

use std::fs;
use std::path::{Path, PathBuf};

use tidegate_os::process::descendants;

/// Names of the folders that Git keeps it in, in the repository's `objects`.
const FOLDER: &str = "tmp_objdir-incoming-";
/// Where git tells the processes it starts of that folder.
const TOLD: &str = "GIT_OBJECT_DIRECTORY=";

/// The folder that a git process, or one it started, brings objects to.
pub(super) fn of(git: u32) -> Option<PathBuf> {
    let started = descendants(git).into_iter().map(|entry| entry.pid);
    started.chain([git]).find_map(|pid| {
        let environ = fs::read(format!("/proc/{pid}/environ")).ok()?;
        environ.split(|byte| *byte == 0).find_map(|variable| named(std::str::from_utf8(variable).ok()?))
    })
}

fn named(variable: &str) -> Option<PathBuf> {
    let path = Path::new(variable.strip_prefix(TOLD)?);
    let known = path.file_name()?.to_str()?.starts_with(FOLDER);
    (known && path.is_absolute()).then(|| path.to_owned())
}

/// Removes it, once nobody works in it any more.
pub(super) fn remove(folder: &Path) {
    if let Err(error) = fs::remove_dir_all(folder)
        && error.kind() != std::io::ErrorKind::NotFound
    {
        tracing::warn!(%error, "what a push brought could not be removed");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_such_a_folder_is_meant() {
        let meant = |text: &str| named(text).map(|path| path.display().to_string());
        let folder = "/data/git/shop.git/objects/tmp_objdir-incoming-a1B2c3";
        assert_eq!(meant(&format!("GIT_OBJECT_DIRECTORY={folder}")).as_deref(), Some(folder));
        for other in [
            "GIT_OBJECT_DIRECTORY=/data/git/shop.git/objects",
            "GIT_OBJECT_DIRECTORY=./objects/tmp_objdir-incoming-a1B2c3",
            "GIT_DIR=/tmp_objdir-incoming-a1B2c3",
        ] {
            assert_eq!(meant(other), None, "{other}");
        }
    }
}
