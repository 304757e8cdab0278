//! Reading folders into an archive. What runs goes on meanwhile: a file may be gone by the time its turn comes.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use nix::libc;
use sha2::{Digest, Sha256};
use tar::{Builder, EntryType, Header};

use crate::error::{BackupError, io};
use crate::layout::{Besides, belongs};
use crate::manifest::{DATA, Manifest, Member, digest, hex, name_of};

/// An archive on its way, and what is in it so far.
pub(crate) struct Packing<'d, W: Write> {
    pub(crate) tar: Builder<W>,
    pub(crate) manifest: Manifest,
    pub(crate) bytes: u64,
    data: &'d Path,
    besides: Besides,
}

/// What became of a tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Packed {
    /// All of it is in.
    Whole,
    /// Something of it went away meanwhile.
    Vanished,
}

impl Packed {
    fn and(self, other: Packed) -> Packed {
        if self == Packed::Whole { other } else { Packed::Vanished }
    }
}

impl<'d, W: Write> Packing<'d, W> {
    pub(crate) fn new(tar: W, data: &'d Path, besides: Besides) -> Self {
        Packing { tar: Builder::new(tar), manifest: Manifest::default(), bytes: 0, data, besides }
    }

    /// Puts in what is at a path below the data directory, all of it; what is in already is left out.
    pub(crate) fn tree(&mut self, path: &Path) -> Result<Packed, BackupError> {
        let at = self.data.join(path);
        let meta = match fs::symlink_metadata(&at) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Packed::Vanished),
            found => found.map_err(io("read", &at))?,
        };
        if !belongs(path, self.besides) {
            return Ok(Packed::Whole);
        }
        if meta.is_dir() {
            self.folder(path, &meta)
        } else if self.manifest.members.contains_key(&name_of(path)) {
            Ok(Packed::Whole)
        } else if meta.is_symlink() {
            self.link(path, &meta)
        } else if meta.is_file() {
            self.file(path)
        } else {
            // A socket or a pipe means nothing to another process.
            Ok(Packed::Whole)
        }
    }

    /// Puts a folder in alone, where there is one, so that some of what is in it can follow.
    pub(crate) fn alone(&mut self, path: &Path) -> Result<(), BackupError> {
        match fs::symlink_metadata(self.data.join(path)) {
            Ok(meta) if meta.is_dir() => {
                self.manifest.members.insert(name_of(path), Member::Folder);
                self.append(&mut header(EntryType::Directory, &meta, 0), path, io::empty())
            }
            Ok(_) | Err(_) => Ok(()),
        }
    }

    fn folder(&mut self, path: &Path, meta: &Metadata) -> Result<Packed, BackupError> {
        let at = self.data.join(path);
        let listed = match fs::read_dir(&at) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Packed::Vanished),
            listed => listed.map_err(io("list", &at))?,
        };
        if self.manifest.members.insert(name_of(path), Member::Folder).is_none() {
            let mut header = header(EntryType::Directory, meta, 0);
            self.append(&mut header, path, io::empty())?;
        }
        let mut names: Vec<PathBuf> = listed
            .map(|item| item.map(|item| path.join(item.file_name())))
            .collect::<Result<_, _>>()
            .map_err(io("list", &at))?;
        // A branch that is packed meanwhile is in the one or the other; and is in both where it is not looked for here first.
        names.sort_by_key(|name| (name.ends_with("packed-refs"), name.clone()));
        let mut packed = Packed::Whole;
        for name in names {
            packed = packed.and(self.tree(&name)?);
        }
        Ok(packed)
    }

    fn link(&mut self, path: &Path, meta: &Metadata) -> Result<Packed, BackupError> {
        let at = self.data.join(path);
        let target = match fs::read_link(&at) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Packed::Vanished),
            target => target.map_err(io("read", &at))?,
        };
        let mut header = header(EntryType::Symlink, meta, 0);
        let name = Path::new(DATA).join(path);
        self.tar.append_link(&mut header, &name, &target).map_err(io("write", &name))?;
        let member = Member::Link(digest(target.as_os_str().as_bytes()));
        self.manifest.members.insert(name_of(path), member);
        Ok(Packed::Whole)
    }

    fn file(&mut self, path: &Path) -> Result<Packed, BackupError> {
        let at = self.data.join(path);
        let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK;
        let file = match OpenOptions::new().read(true).custom_flags(flags).open(&at) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Packed::Vanished),
            file => file.map_err(io("read", &at))?,
        };
        self.opened(path, file)?;
        Ok(Packed::Whole)
    }

    /// Puts an opened file in under a path below the data directory: as many bytes as it has now.
    pub(crate) fn opened(&mut self, path: &Path, file: File) -> Result<(), BackupError> {
        let at = self.data.join(path);
        let meta = file.metadata().map_err(io("read", &at))?;
        let mut header = header(EntryType::Regular, &meta, meta.len());
        let mut hashing = Hashing { inner: file.take(meta.len()), hash: Sha256::new(), read: 0 };
        self.append(&mut header, path, &mut hashing)?;
        if hashing.read != meta.len() {
            let source = io::Error::new(ErrorKind::UnexpectedEof, "it became shorter while it was read");
            return Err(io("read", &at)(source));
        }
        self.bytes += meta.len();
        let member = Member::File(meta.len(), hex(hashing.hash));
        self.manifest.members.insert(name_of(path), member);
        Ok(())
    }

    fn append(&mut self, header: &mut Header, path: &Path, content: impl Read) -> Result<(), BackupError> {
        let name = Path::new(DATA).join(path);
        self.tar.append_data(header, &name, content).map_err(io("write", &name))
    }
}

/// Nothing of whose it is: it becomes that of whoever restores it.
fn header(kind: EntryType, meta: &Metadata, size: u64) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(meta.mode() & 0o777);
    header.set_mtime(u64::try_from(meta.mtime()).unwrap_or(0));
    header.set_size(size);
    header.set_uid(0);
    header.set_gid(0);
    header
}

struct Hashing<R> {
    inner: R,
    hash: Sha256,
    read: u64,
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.hash.update(&buffer[..read]);
        self.read += read as u64;
        Ok(read)
    }
}
