//! Where a unit's files are. The names here are what a control plane and the shims of an earlier one agree on.

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use tidegate_core::model::{Exit, InstanceId};
use tidegate_os::file;

use super::spec::{Main, ShimSpec};

/// The directory of one generation of a unit: `<root>/<id>@<generation>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    dir: PathBuf,
}

/// More than any spec of ours; a larger file is not ours.
const LARGEST: u64 = 4 << 20;

impl Place {
    pub(super) fn new(root: &Path, id: &InstanceId, generation: u64) -> Place {
        Place { dir: root.join(format!("{id}@{generation}")) }
    }

    pub(super) fn at(dir: &Path) -> Place {
        Place { dir: dir.to_owned() }
    }

    /// Every unit directory below `root`, with what its name says.
    pub(super) fn all(root: &Path) -> io::Result<Vec<(InstanceId, u64, Place)>> {
        let mut found = Vec::new();
        for entry in fs::read_dir(root)? {
            let path = entry?.path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            let Some((id, generation)) = name.split_once('@') else { continue };
            let Ok(generation) = generation.parse() else { continue };
            found.push((InstanceId(id.to_owned()), generation, Place { dir: path }));
        }
        found.sort_by(|a, b| (&a.0, a.1).cmp(&(&b.0, b.1)));
        Ok(found)
    }

    pub(super) fn create(&self) -> io::Result<()> {
        fs::DirBuilder::new().recursive(true).mode(PASSABLE).create(&self.dir)
    }

    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    pub(super) fn socket(&self) -> PathBuf {
        self.dir.join("shim.sock")
    }

    pub(super) fn lock(&self) -> PathBuf {
        self.dir.join("shim.lock")
    }

    /// What the shim itself had to say: a panic, a spec it could not read.
    pub(super) fn complaint(&self) -> PathBuf {
        self.dir.join("shim.err")
    }

    /// The unit's own writable directory: `$HOME`.
    pub(super) fn scratch(&self) -> PathBuf {
        self.dir.join("scratch")
    }

    pub(super) fn write_spec(&self, spec: &ShimSpec) -> io::Result<()> {
        file::write_whole(&self.dir.join("spec.json"), &serde_json::to_vec(spec)?, 0o600)
    }

    pub(super) fn spec(&self) -> io::Result<ShimSpec> {
        read_json(&self.dir.join("spec.json"))
    }

    pub(super) fn write_main(&self, main: &Main) -> io::Result<()> {
        file::write_whole(&self.dir.join("main.json"), &serde_json::to_vec(main)?, 0o600)
    }

    /// The main process; `None` where the shim did not get as far.
    pub(super) fn main(&self) -> Option<Main> {
        read_json(&self.dir.join("main.json")).ok()
    }

    pub(super) fn write_exit(&self, exit: &Exit) -> io::Result<()> {
        file::write_whole(&self.dir.join("exit.json"), &serde_json::to_vec(exit)?, 0o600)
    }

    /// How it ended; `None` where nobody recorded that.
    pub(super) fn exit(&self) -> Option<Exit> {
        read_json(&self.dir.join("exit.json")).ok()
    }

    /// Remembers for the next control plane whether it was ready.
    pub(super) fn mark_ready(&self, ready: bool) {
        let mark = self.dir.join("ready");
        let done = if ready { fs::write(mark, b"") } else { fs::remove_file(mark) };
        if let Err(error) = done.or_else(ignore_missing) {
            tracing::warn!(dir = %self.dir.display(), %error, "readiness not remembered");
        }
    }

    pub(super) fn was_ready(&self) -> bool {
        self.dir.join("ready").exists()
    }

    /// Takes the directory away at once and frees its room later, in the background.
    pub(super) fn discard(&self) -> io::Result<()> {
        throw_away(&self.dir)
    }
}

/// Takes any directory of ours away at once and frees its room later. What was thrown away under its name before is gone by then.
pub(super) fn throw_away(dir: &Path) -> io::Result<()> {
    let name = dir.file_name().unwrap_or_default().to_string_lossy();
    let trash = dir.with_file_name(format!("{TRASH}{name}"));
    let moved = fs::rename(dir, &trash).or_else(ignore_missing);
    std::thread::Builder::new().name("discard".to_owned()).spawn(move || delete(&trash))?;
    moved
}

const TRASH: &str = ".trash-";

/// Deletes what a killed control plane had no time to.
pub(super) fn empty_trash(root: &Path) -> io::Result<()> {
    for entry in fs::read_dir(root)? {
        let path = entry?.path();
        if path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(TRASH.as_bytes())) {
            delete(&path);
        }
    }
    Ok(())
}

fn delete(path: &Path) {
    if let Err(error) = fs::remove_dir_all(path).or_else(ignore_missing) {
        tracing::warn!(path = %path.display(), %error, "directory not removed");
    }
}

/// Others may pass through it to what is theirs, and not look around.
const PASSABLE: u32 = 0o711;

/// Makes a directory nobody but us may look into.
pub(super) fn private_dir(path: &Path) -> io::Result<()> {
    fs::create_dir_all(path)?;
    fs::set_permissions(path, fs::Permissions::from_mode(PASSABLE))
}

/// Makes it one that nobody but us may pass through either: what is in it reaches its unit by a mount.
pub(super) fn close(dir: &Path) -> io::Result<()> {
    fs::set_permissions(dir, fs::Permissions::from_mode(0o700))
}

/// Whether an id can be part of a file name: ours always can, one typed by a user may not.
pub(super) fn safe(id: &InstanceId) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    (1..=100).contains(&id.0.len()) && id.0.bytes().all(allowed) && !id.0.starts_with('.')
}

fn read_json<T: serde::de::DeserializeOwned>(path: &Path) -> io::Result<T> {
    if fs::metadata(path)?.len() > LARGEST {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "larger than any file of ours"));
    }
    Ok(serde_json::from_slice(&fs::read(path)?)?)
}

pub(super) fn ignore_missing(error: io::Error) -> io::Result<()> {
    if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) }
}
