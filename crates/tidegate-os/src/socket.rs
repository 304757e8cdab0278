//! Unix sockets by paths of any length, and who is at the other end.
//!
//! A socket address holds 107 bytes; data directories may be deeper. The directory is opened and the socket reached
//! through `/proc/self/fd`, which is always short.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use nix::libc;
use nix::sys::socket::{getsockopt, sockopt::PeerCredentials};

use crate::file::{beside, parent};

/// The longest path a socket address takes, without the final NUL.
const LONGEST: usize = 107;

/// The process at the other end of a connection when it was made, as the kernel vouches for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    /// User.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Process.
    pub pid: u32,
}

/// Listens at `path`, mode 0600. A socket file left there by a dead process is replaced; anything else is refused with
/// `AlreadyExists`. The caller holds a lock that says nobody else listens there.
pub fn bind(path: &Path) -> io::Result<UnixListener> {
    refuse_other_files(path)?;
    // Bound beside its place and moved there when its mode is right: nobody can connect in between.
    let temporary = beside(path);
    let listener = at(&temporary, |short| UnixListener::bind(short))?;
    let placed = fs::set_permissions(&temporary, Permissions::from_mode(0o600))
        .and_then(|()| fs::rename(&temporary, path));
    if let Err(error) = placed {
        let _ = fs::remove_file(&temporary);
        return Err(error);
    }
    Ok(listener)
}

/// Connects to the socket at `path`.
pub fn connect(path: &Path) -> io::Result<UnixStream> {
    at(path, |short| UnixStream::connect(short))
}

/// Who is at the other end.
pub fn peer(stream: &UnixStream) -> io::Result<Peer> {
    let seen = getsockopt(stream, PeerCredentials)?;
    Ok(Peer { uid: seen.uid(), gid: seen.gid(), pid: seen.pid().unsigned_abs() })
}

fn refuse_other_files(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(found) if found.file_type().is_socket() => Ok(()),
        Ok(_) => {
            Err(io::Error::new(io::ErrorKind::AlreadyExists, "a file that is not a socket is in its place"))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

fn at<T>(path: &Path, go: impl FnOnce(&Path) -> io::Result<T>) -> io::Result<T> {
    if path.as_os_str().len() <= LONGEST {
        return go(path);
    }
    let (_directory, short) = shorten(path)?;
    go(&short)
}

fn shorten(path: &Path) -> io::Result<(File, PathBuf)> {
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    let directory =
        OpenOptions::new().read(true).custom_flags(libc::O_PATH | libc::O_DIRECTORY).open(parent(path))?;
    let short = Path::new("/proc/self/fd").join(directory.as_raw_fd().to_string()).join(name);
    Ok((directory, short))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};

    fn talks_at(path: &Path) {
        let listener = bind(path).unwrap();
        let mut client = connect(path).unwrap();
        let (mut server, _) = listener.accept().unwrap();
        client.write_all(b"hello").unwrap();
        let mut heard = [0; 5];
        server.read_exact(&mut heard).unwrap();
        assert_eq!(&heard, b"hello");
        assert_eq!(peer(&server).unwrap().pid, std::process::id());
        assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_socket_left_behind_is_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("s");
        talks_at(&path);
        talks_at(&path);
    }

    #[test]
    fn a_path_longer_than_an_address_works() {
        let dir = tempfile::tempdir().unwrap();
        let deep = dir.path().join("d".repeat(100)).join("e".repeat(100));
        fs::create_dir_all(&deep).unwrap();
        talks_at(&deep.join("api.sock"));
    }

    #[test]
    fn a_file_that_is_no_socket_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("precious");
        fs::write(&path, "data").unwrap();
        assert_eq!(bind(&path).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&path).unwrap(), b"data");
    }
}
