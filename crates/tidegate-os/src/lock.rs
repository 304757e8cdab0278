//! One holder at a time: a lock on a file that the kernel releases when its holder ends, however it ends.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

/// A held lock; released on drop. Not inherited by programs this process starts.
#[derive(Debug)]
pub struct Lock {
    file: File,
}

/// Why a lock is not ours.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process has it.
    #[error("held by process {pid}")]
    Held {
        /// Who; 0 where it has not said so yet.
        pid: u32,
    },
    /// The file cannot be used.
    #[error("the lock file cannot be used: {0}")]
    Io(#[from] io::Error),
}

/// How often, and how long in between, a lock is tried: [`holder`] has it for microseconds.
const LOOKS: u32 = 5;
const LOOK: Duration = Duration::from_millis(1);

impl Lock {
    /// Takes the lock and writes our process id into its file, mode 0600. Does not wait for the holder.
    pub fn acquire(path: &Path) -> Result<Lock, LockError> {
        let mut lock = Lock::take(path)?;
        lock.sign(std::process::id())?;
        Ok(lock)
    }

    /// The lock our parent shared with us: a descriptor that came from [`Lock::share`].
    pub fn inherited(fd: OwnedFd) -> Lock {
        Lock { file: File::from(fd) }
    }

    /// Writes a process id into the file: that of a child the lock is handed to.
    pub fn sign(&mut self, pid: u32) -> io::Result<()> {
        self.file.set_len(0)?;
        self.file.rewind()?;
        write!(self.file, "{pid}")
    }

    /// A descriptor to hand to a child: the lock is held until every copy of it is closed.
    pub fn share(&self) -> io::Result<OwnedFd> {
        self.file.try_clone().map(OwnedFd::from)
    }

    fn take(path: &Path) -> Result<Lock, LockError> {
        let file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)?;
        for _ in 0..LOOKS {
            match file.try_lock() {
                Ok(()) => return Ok(Lock { file }),
                // Somebody who asks for the holder has it for a moment.
                Err(TryLockError::WouldBlock) => std::thread::sleep(LOOK),
                Err(TryLockError::Error(error)) => return Err(error.into()),
            }
        }
        Err(LockError::Held { pid: read_pid(file).unwrap_or(0) })
    }
}

/// Who holds the lock at `path`; `None` where nobody does or there is no such file. 0: somebody who has not signed yet.
pub fn holder(path: &Path) -> Option<u32> {
    let file = File::open(path).ok()?;
    match file.try_lock_shared() {
        Err(TryLockError::WouldBlock) => Some(read_pid(file).unwrap_or(0)),
        Ok(()) | Err(TryLockError::Error(_)) => None,
    }
}

fn read_pid(file: File) -> Option<u32> {
    let mut text = String::new();
    file.take(16).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_taker_learns_who_holds_it_and_gets_it_afterwards() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        assert_eq!(holder(&path), None);
        let first = Lock::acquire(&path).unwrap();
        match Lock::acquire(&path) {
            Err(LockError::Held { pid }) => assert_eq!(pid, std::process::id()),
            other => panic!("{other:?}"),
        }
        assert_eq!(holder(&path), Some(std::process::id()));
        drop(first);
        assert_eq!(holder(&path), None);
        assert!(Lock::acquire(&path).is_ok());
    }

    #[test]
    fn a_shared_descriptor_keeps_it_held() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        let lock = Lock::acquire(&path).unwrap();
        let shared = lock.share().unwrap();
        drop(lock);
        assert!(holder(&path).is_some());
        drop(shared);
        assert_eq!(holder(&path), None);
    }
}
