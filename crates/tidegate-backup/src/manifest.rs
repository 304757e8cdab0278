//! What is said in a backup of what is in it.

use std::collections::BTreeMap;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The format written by this version.
pub const FORMAT: u32 = 1;
/// The first member.
pub(crate) const PREFACE: &str = "tidegate-backup.json";
/// The last member.
pub(crate) const MANIFEST: &str = "manifest.json";
/// Where the data directory's files are.
pub(crate) const DATA: &str = "data";

/// How it begins: enough to refuse it before anything of it is read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Preface {
    pub(crate) format: u32,
    /// The version of Tidegate that made it.
    pub(crate) tidegate: String,
    /// The version of the database's schema.
    pub(crate) schema: u32,
    /// When it was begun: milliseconds since the Unix epoch.
    pub(crate) made_unix_ms: u64,
    /// Where the data directory was.
    pub(crate) data: PathBuf,
}

/// How it ends: what every other member is to be.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Manifest {
    /// By their names below the data directory, as [`name_of`] writes them.
    pub(crate) members: BTreeMap<String, Member>,
    /// Builds that were removed while they were read, or before: they are known in the database and not there.
    pub(crate) absent: Vec<String>,
}

/// One file, folder or link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Member {
    /// A folder.
    Folder,
    /// A file: its size in bytes and its SHA-256.
    File(u64, String),
    /// A symbolic link: the SHA-256 of where it leads.
    Link(String),
}

/// A path as text, whatever bytes it is of: those that are no UTF-8, and `\`, are written as `\xNN`.
pub(crate) fn name_of(path: &Path) -> String {
    let mut name = String::new();
    for chunk in path.as_os_str().as_bytes().utf8_chunks() {
        name.push_str(&chunk.valid().replace('\\', "\\x5c"));
        chunk.invalid().iter().for_each(|byte| name.push_str(&format!("\\x{byte:02x}")));
    }
    name
}

/// SHA-256 in hex.
pub(crate) fn hex(hash: Sha256) -> String {
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// SHA-256 of a few bytes, in hex.
pub(crate) fn digest(bytes: &[u8]) -> String {
    hex(Sha256::new_with_prefix(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::OsStr;

    #[test]
    fn no_two_paths_have_one_name() {
        let of = |bytes: &[u8]| name_of(Path::new(OsStr::from_bytes(bytes)));
        assert_eq!(of("builds/ä".as_bytes()), "builds/ä");
        assert_eq!(of(b"a\xffb"), "a\\xffb");
        assert_eq!(of(b"a\\xffb"), "a\\x5cxffb");
    }
}
