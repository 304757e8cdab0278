//! Whose files a build command works on: its own while it runs, ours (and so read-only to instances) afterwards.
//!
//! We are root here, and others of the same user may run at the same time: no path is walked twice. Directories are held
//! open and never entered through a symbolic link, and an entry is only changed while its directory is ours, so that
//! nobody can put another file in its place.

use std::fs::{self, File, Metadata, OpenOptions, Permissions};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, fchown, lchown};
use std::path::{Path, PathBuf};

use nix::libc;
use tidegate_os::process::{User, own_user};

/// Deeper than any build; each level holds a descriptor.
pub(super) const DEEPEST: u32 = 200;

/// Makes a directory and everything in it the user's: what is inside first, for it is ours as long as its directory is.
pub(super) fn give(dir: &Path, user: User) -> io::Result<()> {
    give_below(&open_dir(dir)?, user, 0)
}

/// Makes the directory alone the user's; what is in it is already.
pub(super) fn give_top(dir: &Path, user: User) -> io::Result<()> {
    fchown(&open_dir(dir)?, Some(user.uid), Some(user.gid))
}

/// Makes it all ours again, with everyone allowed to read what its owner could: instances run as somebody else. A change
/// of owner clears set-user-id bits by itself.
pub(super) fn take_back(dir: &Path) -> io::Result<()> {
    take_below(&open_dir(dir)?, own_user(), 0)
}

/// Nobody but its owner, and we, may enter the directory from now on.
pub(super) fn keep_private(dir: &Path) -> io::Result<()> {
    open_dir(dir)?.set_permissions(Permissions::from_mode(0o700))
}

/// Makes a directory of ours one that besides us only the user's group may enter, as its owner could. What is in it is reached
/// through it alone. Done again, nothing changes.
pub(super) fn close_to(dir: &Path, user: User) -> io::Result<()> {
    let dir = open_dir(dir)?;
    // Never open to the group it had before.
    let mode = dir.metadata()?.mode() & 0o700;
    if dir.metadata()?.gid() != user.gid {
        dir.set_permissions(Permissions::from_mode(mode))?;
        fchown(&dir, Some(own_user().uid), Some(user.gid))?;
    }
    dir.set_permissions(Permissions::from_mode(mode | (mode & 0o500) >> 3))
}

fn give_below(dir: &File, user: User, depth: u32) -> io::Result<()> {
    for (path, found) in entries(dir, depth)? {
        if found.is_dir() {
            give_below(&open_dir(&path)?, user, depth + 1)?;
        } else {
            lchown(&path, Some(user.uid), Some(user.gid))?;
        }
    }
    fchown(dir, Some(user.uid), Some(user.gid))
}

fn take_below(dir: &File, us: User, depth: u32) -> io::Result<()> {
    fchown(dir, Some(us.uid), Some(us.gid))?;
    dir.set_permissions(shared(&dir.metadata()?))?;
    for (path, found) in entries(dir, depth)? {
        if found.is_dir() {
            take_below(&open_dir(&path)?, us, depth + 1)?;
        } else if found.uid() != us.uid {
            lchown(&path, Some(us.uid), Some(us.gid))?;
            if !found.is_symlink() {
                fs::set_permissions(&path, shared(&found))?;
            }
        }
        // A file that is ours already is a hard link to something that never was the build's.
    }
    Ok(())
}

/// What the owner may read and enter, everyone may; only the owner may write.
fn shared(found: &Metadata) -> Permissions {
    let mode = found.mode();
    Permissions::from_mode((mode & 0o700) | (mode & 0o500) >> 3 | (mode & 0o500) >> 6)
}

/// What is in a directory, by paths that go through its descriptor.
fn entries(dir: &File, depth: u32) -> io::Result<Vec<(PathBuf, Metadata)>> {
    if depth > DEEPEST {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "directories nested too deep"));
    }
    let through = Path::new("/proc/self/fd").join(dir.as_raw_fd().to_string());
    let listed = fs::read_dir(&through)?;
    listed.map(|entry| entry.and_then(|e| Ok((e.path(), fs::symlink_metadata(e.path())?)))).collect()
}

/// A directory, which a symbolic link to one is not.
pub(super) fn open_dir(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).custom_flags(libc::O_DIRECTORY | libc::O_NOFOLLOW).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn everyone_may_read_what_is_taken_back_and_links_are_left_as_they_are() {
        let outside = tempfile::tempdir().unwrap();
        let secret = outside.path().join("secret");
        fs::write(&secret, "s").unwrap();
        fs::set_permissions(&secret, Permissions::from_mode(0o600)).unwrap();
        let dir = tempfile::tempdir().unwrap();
        let inner = dir.path().join("bin");
        fs::create_dir(&inner).unwrap();
        fs::set_permissions(&inner, Permissions::from_mode(0o700)).unwrap();
        symlink(&secret, inner.join("link")).unwrap();
        symlink(outside.path(), inner.join("out")).unwrap();
        take_back(dir.path()).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().mode() & 0o777;
        assert_eq!((mode(&inner), mode(&secret)), (0o755, 0o600));
        assert!(take_back(&inner.join("out")).is_err(), "a link is never entered");
    }
}
