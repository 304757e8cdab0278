//! Files below a folder, whatever links there are on the way.
//!
//! Called by the gateway for static sites. It reads nothing and decides nothing about what may be served.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{OFlag, OpenHow, ResolveFlag, open, openat2};
use nix::sys::stat::Mode;

/// Opens `path`, relative to the folder `root`, for reading. A path or link that leads out of the folder is refused by the
/// kernel while it resolves it, so that nothing can be put in its place in between. Links within the folder are followed if
/// they are relative. Neither a pipe nor a device makes it wait; what it opened is the caller's to look at.
///
/// `None`: there is nothing of that name, or nothing that may be read there, which is the same to whoever asked. A root that
/// cannot be opened is an error.
pub fn open_beneath(root: &Path, path: &Path) -> io::Result<Option<File>> {
    let folder: OwnedFd = open(root, OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC, Mode::empty())?;
    let flags = OFlag::O_RDONLY | OFlag::O_CLOEXEC | OFlag::O_NONBLOCK | OFlag::O_NOCTTY;
    let resolve = ResolveFlag::RESOLVE_BENEATH | ResolveFlag::RESOLVE_NO_MAGICLINKS;
    let how = OpenHow::new().flags(flags).resolve(resolve);
    match openat2(&folder, path, how) {
        Ok(file) => Ok(Some(File::from(file))),
        Err(error) if is_absence(error) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Not there, not ours to read, no file (`ENXIO`: a socket), or not below the folder (`EXDEV`, `ELOOP`).
fn is_absence(error: Errno) -> bool {
    use Errno::{EACCES, ELOOP, ENAMETOOLONG, ENOENT, ENOTDIR, ENXIO, EPERM, EXDEV};
    matches!(error, EACCES | ELOOP | ENAMETOOLONG | ENOENT | ENOTDIR | ENXIO | EPERM | EXDEV)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;

    #[test]
    fn nothing_outside_the_folder_can_be_opened() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("site");
        fs::create_dir_all(root.join("sub")).unwrap();
        fs::write(dir.path().join("secret"), "secret").unwrap();
        fs::write(root.join("file"), "file").unwrap();
        symlink("../file", root.join("sub/inside")).unwrap();
        symlink("../secret", root.join("outside")).unwrap();
        symlink("..", root.join("up")).unwrap();
        symlink(dir.path().join("secret"), root.join("absolute")).unwrap();
        symlink("/proc/self/root", root.join("magic")).unwrap();
        let read = |path: &str| {
            let opened = open_beneath(&root, Path::new(path)).unwrap();
            opened.map(|file| io::read_to_string(file).unwrap())
        };
        assert_eq!(read("file").unwrap(), "file");
        assert_eq!(read("sub/inside").unwrap(), "file");
        for path in
            ["outside", "up/secret", "absolute", "magic", "../secret", "sub/../../secret", "/etc/passwd"]
        {
            assert_eq!(read(path), None, "{path}");
        }
    }

    #[test]
    fn a_folder_that_is_not_there_is_an_error() {
        assert!(open_beneath(Path::new("/no/such/folder"), Path::new("file")).is_err());
    }

    #[test]
    fn a_pipe_does_not_make_it_wait() {
        let dir = tempfile::tempdir().unwrap();
        nix::unistd::mkfifo(&dir.path().join("pipe"), Mode::S_IRUSR).unwrap();
        let opened = open_beneath(dir.path(), Path::new("pipe")).unwrap().unwrap();
        assert!(!opened.metadata().unwrap().is_file());
    }
}
