//! Whose files a build command works on: its own while it runs, root's (and so read-only to instances) afterwards.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{PermissionsExt, lchown};
use std::path::Path;

use tidegate_os::process::{User, own_user};

/// Makes a directory and everything in it the user's. Symbolic links are changed themselves, never followed.
pub(super) fn give(dir: &Path, user: User) -> io::Result<()> {
    walk(dir, &|path, _| lchown(path, Some(user.uid), Some(user.gid)))
}

/// Makes it ours again, with everyone allowed to read what its owner could: instances run as somebody else. A change of
/// owner clears set-user-id bits by itself.
pub(super) fn take_back(dir: &Path) -> io::Result<()> {
    let user = own_user();
    walk(dir, &|path, found| {
        lchown(path, Some(user.uid), Some(user.gid))?;
        if found.is_symlink() {
            return Ok(());
        }
        let mode = found.permissions().mode();
        let shared = (mode & 0o700) | (mode & 0o500) >> 3 | (mode & 0o500) >> 6;
        fs::set_permissions(path, Permissions::from_mode(shared))
    })
}

fn walk(path: &Path, change: &dyn Fn(&Path, &fs::Metadata) -> io::Result<()>) -> io::Result<()> {
    let mut left = vec![path.to_owned()];
    while let Some(path) = left.pop() {
        let found = fs::symlink_metadata(&path)?;
        change(&path, &found)?;
        if found.is_dir() {
            for entry in fs::read_dir(&path)? {
                left.push(entry?.path());
            }
        }
    }
    Ok(())
}
