//! The digest of a tree of files: the same files give the same digest on every machine, whatever their times and owners.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use sha2::{Digest, Sha256};

use super::scan::{Entry, EntryKind};

/// SHA-256 in hex over the entries (sorted by path): kind, path, executable bit, and contents or link target.
pub fn tree_digest(root: &Path, entries: &[Entry]) -> io::Result<String> {
    tree_digest_by(entries, |path| file_digest(&root.join(path)))
}

/// The same by whoever knows the SHA-256 of each file already.
pub(crate) fn tree_digest_by(
    entries: &[Entry],
    mut contents: impl FnMut(&str) -> io::Result<[u8; 32]>,
) -> io::Result<String> {
    let mut tree = Sha256::new();
    for entry in entries {
        field(&mut tree, entry.path.as_bytes());
        match &entry.kind {
            EntryKind::File { executable, .. } => {
                tree.update([b'f', u8::from(*executable)]);
                tree.update(contents(&entry.path)?);
            }
            EntryKind::Link { target } => {
                tree.update(b"l");
                field(&mut tree, target.as_bytes());
            }
        }
    }
    Ok(hex(&tree.finalize()))
}

/// SHA-256 in hex of some parts, each with its length so that parts cannot run into each other.
pub fn digest_of(parts: &[&[u8]]) -> String {
    let mut all = Sha256::new();
    parts.iter().for_each(|part| field(&mut all, part));
    hex(&all.finalize())
}

fn field(hash: &mut Sha256, bytes: &[u8]) {
    hash.update((bytes.len() as u64).to_le_bytes());
    hash.update(bytes);
}

fn file_digest(path: &Path) -> io::Result<[u8; 32]> {
    let mut file = File::open(path)?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 64 << 10];
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            return Ok(hash.finalize().into());
        }
        hash.update(&buffer[..read]);
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
