//! Files that are either there whole or not at all, and the room left for more.
//!
//! Called by everything that keeps state on disk outside SQLite.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, RenameFlags, renameat2};

static SERIAL: AtomicU64 = AtomicU64::new(0);

/// Puts `bytes` at `path` whole, with permission bits `mode`, so that it is there after a power failure. Whoever reads
/// `path` sees the earlier content or the new one, never a part.
pub fn write_atomic(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    put(path, bytes, mode, true)?;
    File::open(parent(path))?.sync_all()
}

/// As [`write_atomic`], but without waiting for the disk: survives a kill of any process, not a power failure. For state
/// that means nothing after a reboot.
pub fn write_whole(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    put(path, bytes, mode, false)
}

/// Waits until what is at `path`, and that it is there, would be found after a power failure.
pub fn sync(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()?;
    File::open(parent(path))?.sync_all()
}

/// Has `to` be a second name of the file at `from`, in place of whatever was there. The two are in one directory.
pub fn name_again(from: &Path, to: &Path) -> io::Result<()> {
    let temporary = beside(to);
    fs::hard_link(from, &temporary)?;
    let renamed = fs::rename(&temporary, to);
    // Where both were names of one file already, the rename does nothing and leaves this one.
    let _ = fs::remove_file(&temporary);
    renamed
}

/// Gives each of two paths of a file system what is at the other, at one moment. [`io::ErrorKind::Unsupported`] where the file
/// system cannot.
pub fn exchange(one: &Path, other: &Path) -> io::Result<()> {
    match renameat2(AT_FDCWD, one, AT_FDCWD, other, RenameFlags::RENAME_EXCHANGE) {
        Ok(()) => Ok(()),
        Err(Errno::EINVAL | Errno::ENOSYS) => Err(io::ErrorKind::Unsupported.into()),
        Err(error) => Err(error.into()),
    }
}

/// Bytes that an unprivileged writer may still use on the file system of `path`.
pub fn free_bytes(path: &Path) -> io::Result<u64> {
    let stat = nix::sys::statvfs::statvfs(path)?;
    Ok(stat.blocks_available().saturating_mul(stat.fragment_size()))
}

/// Size in bytes of the file system of `path`.
pub fn total_bytes(path: &Path) -> io::Result<u64> {
    let stat = nix::sys::statvfs::statvfs(path)?;
    Ok(stat.blocks().saturating_mul(stat.fragment_size()))
}

fn put(path: &Path, bytes: &[u8], mode: u32, sync: bool) -> io::Result<()> {
    let temporary = beside(path);
    let written = fill(&temporary, bytes, mode, sync).and_then(|()| fs::rename(&temporary, path));
    if written.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    written
}

fn fill(path: &Path, bytes: &[u8], mode: u32, sync: bool) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
    file.write_all(bytes)?;
    // The umask may have taken bits away from `mode`.
    file.set_permissions(fs::Permissions::from_mode(mode))?;
    if sync { file.sync_all() } else { Ok(()) }
}

/// A name in the same directory that no other writer, here or in another process, uses.
pub(crate) fn beside(path: &Path) -> PathBuf {
    let serial = SERIAL.fetch_add(1, Ordering::Relaxed);
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(format!(".{}-{serial}", std::process::id()));
    path.with_file_name(name)
}

pub(crate) fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_whole_with_its_mode_and_nothing_is_left_beside_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("token");
        write_atomic(&path, b"one", 0o600).unwrap();
        write_whole(&path, b"two", 0o640).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_failed_write_leaves_the_earlier_content_and_no_temporary_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("taken");
        fs::create_dir(&path).unwrap();
        assert!(write_atomic(&path, b"x", 0o600).is_err());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_second_name_keeps_what_the_first_is_taken_from() {
        let dir = tempfile::tempdir().unwrap();
        let (path, other) = (dir.path().join("table"), dir.path().join("table.1"));
        write_whole(&path, b"one", 0o600).unwrap();
        for _ in 0..2 {
            name_again(&path, &other).unwrap();
        }
        write_whole(&path, b"two", 0o600).unwrap();
        sync(&path).unwrap();
        assert_eq!((fs::read(&path).unwrap(), fs::read(&other).unwrap()), (b"two".to_vec(), b"one".to_vec()));
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
        assert!(name_again(&dir.path().join("none"), &other).is_err());
    }

    #[test]
    fn free_space_is_seen() {
        assert!(free_bytes(Path::new("/")).unwrap() > 0);
        assert!(free_bytes(Path::new("/no/such/place")).is_err());
    }
}
