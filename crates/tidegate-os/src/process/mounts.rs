//! A view of the file system for a confined process: its own directories reachable and, where asked, read-only.
//!
//! A data directory may lie below one that an unprivileged user may not enter (`/root`, `mktemp -d`). In a mount
//! namespace of the child alone, a small empty file system goes over the topmost such directory and the child's own
//! directories are bound at their usual places in it, so that absolute paths inside them keep working.

use std::fs;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use nix::libc;
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};

use super::User;

/// A directory the child is to see at its usual place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bind {
    /// The directory, absolute and without symbolic links.
    pub path: PathBuf,
    /// Whether the child may not write to it, whatever the modes of the files say.
    pub read_only: bool,
}

/// What is to be mounted for a child.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MountPlan {
    covers: Vec<PathBuf>,
    binds: Vec<Bind>,
    users: Option<PathBuf>,
    tmp: Option<PathBuf>,
    alone: bool,
}

impl MountPlan {
    /// The same, with a file that is read in place of `/etc/passwd`. Where that cannot be, the child has the system's users.
    pub fn with_users(self, file: Option<PathBuf>) -> MountPlan {
        MountPlan { users: file, ..self }
    }

    /// The same, with a directory in place of `/tmp` and `/var/tmp`.
    pub fn with_tmp(self, dir: Option<PathBuf>) -> MountPlan {
        MountPlan { tmp: dir, ..self }
    }

    /// The same, with a `/proc` that shows no processes of other users, where `alone`.
    pub fn alone(self, alone: bool) -> MountPlan {
        MountPlan { alone, ..self }
    }

    /// Plans for a user and its directories: which ancestors are to be covered.
    pub fn new(user: User, binds: Vec<Bind>) -> io::Result<MountPlan> {
        let mut covers: Vec<PathBuf> = Vec::new();
        for bind in &binds {
            if let Some(blocked) = first_blocked(user, &bind.path)? {
                covers.push(blocked);
            }
        }
        covers.sort();
        covers.dedup();
        Ok(MountPlan { covers, binds, users: None, tmp: None, alone: false })
    }

    /// Mounts it, in a new mount namespace of the calling process.
    pub(super) fn apply(&self) -> io::Result<()> {
        unshare(CloneFlags::CLONE_NEWNS)?;
        change(Path::new("/"), MsFlags::MS_REC | MsFlags::MS_PRIVATE)?;
        // Opened before anything is covered, and after the unshare: a mount of another namespace cannot be bound.
        if let Some(users) = &self.users {
            let _ = mount(Some(users), "/etc/passwd", None::<&str>, MsFlags::MS_BIND, None::<&str>);
        }
        let tmp = self.tmp.as_deref().map(open_path).transpose()?;
        let opened = self.binds.iter().map(|bind| open_path(&bind.path)).collect::<io::Result<Vec<_>>>()?;
        for cover in &self.covers {
            let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
            mount(Some("tidegate"), cover, Some("tmpfs"), flags, Some("mode=0755,size=64k,nr_inodes=256"))?;
        }
        for (bind, source) in self.binds.iter().zip(&opened) {
            place(bind, source)?;
        }
        if let Some(tmp) = &tmp {
            let there = TEMPORARY.into_iter().map(Path::new).filter(|at| at.is_dir());
            for at in there {
                put(tmp, at)?;
            }
        }
        self.covers.iter().try_for_each(|cover| {
            let sealed = MsFlags::MS_REMOUNT | MsFlags::MS_BIND | MsFlags::MS_RDONLY;
            change(cover, sealed | MsFlags::MS_NOSUID | MsFlags::MS_NODEV)
        })?;
        // Last: what is opened by its descriptor is found in the machine's own.
        if self.alone { hide_processes() } else { Ok(()) }
    }
}

fn place(bind: &Bind, source: &fs::File) -> io::Result<()> {
    fs::create_dir_all(&bind.path)?;
    put(source, &bind.path)?;
    if bind.read_only {
        change(&bind.path, MsFlags::MS_REMOUNT | MsFlags::MS_BIND | MsFlags::MS_RDONLY | MsFlags::MS_NOSUID)?;
    }
    Ok(())
}

/// Where programs leave files for a moment.
const TEMPORARY: [&str; 2] = ["/tmp", "/var/tmp"];

fn put(source: &fs::File, at: &Path) -> io::Result<()> {
    let from = format!("/proc/self/fd/{}", source.as_raw_fd());
    Ok(mount(Some(from.as_str()), at, None::<&str>, MsFlags::MS_BIND, None::<&str>)?)
}

/// A `/proc` over the machine's in which processes are hidden from those who may not trace them. Told by a word that kernels before
/// 5.8 do not know: theirs would hide them on the whole machine.
fn hide_processes() -> io::Result<()> {
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
    Ok(mount(Some("proc"), "/proc", Some("proc"), flags, Some("hidepid=invisible"))?)
}

/// Whether processes can be hidden from a confined one here: tried on a thread that ends with it.
///
/// # Errors
/// Why not: `PermissionDenied` without the right to mount, `InvalidInput` for a kernel before 5.8.
pub fn can_hide_processes() -> io::Result<()> {
    let tried = || {
        unshare(CloneFlags::CLONE_NEWNS)?;
        change(Path::new("/"), MsFlags::MS_REC | MsFlags::MS_PRIVATE)?;
        hide_processes()
    };
    let tried = std::thread::Builder::new().name("mounts".to_owned()).spawn(tried)?;
    tried.join().unwrap_or_else(|_| Err(io::Error::other("trying it panicked")))
}

fn change(at: &Path, flags: MsFlags) -> io::Result<()> {
    Ok(mount(None::<&str>, at, None::<&str>, flags, None::<&str>)?)
}

fn open_path(path: &Path) -> io::Result<fs::File> {
    fs::OpenOptions::new().read(true).custom_flags(libc::O_PATH | libc::O_DIRECTORY).open(path)
}

/// The topmost ancestor of `path` that the user may not enter.
fn first_blocked(user: User, path: &Path) -> io::Result<Option<PathBuf>> {
    let mut above: Vec<&Path> = path.ancestors().skip(1).collect();
    above.reverse();
    for ancestor in above {
        if !may_enter(user, &fs::metadata(ancestor)?) {
            return Ok(Some(ancestor.to_owned()));
        }
    }
    Ok(None)
}

fn may_enter(user: User, found: &fs::Metadata) -> bool {
    let shift = if found.uid() == user.uid {
        6
    } else if found.gid() == user.gid {
        3
    } else {
        0
    };
    found.mode() >> shift & 1 == 1
}
