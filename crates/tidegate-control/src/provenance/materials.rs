//! What a build was made of: the manifest, and the packages that lock files name.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use tidegate_config::lock::{LARGEST_LOCK, is_lock_file, read_lock};
use tidegate_core::model::Build;
use tidegate_core::sbom::{Component, Of, cyclonedx};

use super::sha256;
use crate::intake::MANIFESTS;
use crate::snapshot::{Entry, EntryKind, every_file};

/// The most lock files that are read.
const MOST_FILES: usize = 64;
/// The most components of a build.
const MOST_COMPONENTS: usize = 50_000;
/// The most notes that are kept, and the longest one in characters.
const MOST_NOTES: usize = 20;
const LONGEST_NOTE: usize = 300;

/// What was found.
pub(crate) struct Materials {
    /// The manifest's name and the SHA-256 of its text.
    pub(crate) manifest: Option<(String, String)>,
    /// The list of components: CycloneDX as JSON.
    pub(crate) sbom: String,
    /// What is not in it, and why.
    pub(crate) notes: Vec<String>,
}

/// Reads a folder of files. What cannot be understood is a note: a build does not fail for it.
///
/// # Errors
/// Where the folder cannot be read at all.
pub(crate) fn materials(folder: &Path, build: &Build) -> io::Result<Materials> {
    let entries = every_file(folder).map_err(io::Error::other)?;
    let (found, notes) = components(folder, &entries);
    let of = Of { app: build.app.as_str(), snapshot: &build.snapshot, tidegate: env!("CARGO_PKG_VERSION") };
    Ok(Materials { manifest: manifest(folder, &entries), sbom: cyclonedx(&of, &found).to_string(), notes })
}

fn manifest(folder: &Path, entries: &[Entry]) -> Option<(String, String)> {
    let there = |name: &&&str| entries.iter().any(|entry| entry.path == **name && is_file(entry));
    let name = MANIFESTS.iter().find(there)?;
    let bytes = read(&folder.join(name)).ok()?;
    Some(((*name).to_owned(), sha256(&bytes)))
}

fn is_file(entry: &Entry) -> bool {
    matches!(entry.kind, EntryKind::File { .. })
}

/// The packages of each lock file. A link is not followed: it could lead anywhere.
pub fn components(folder: &Path, entries: &[Entry]) -> (Vec<(String, Vec<Component>)>, Vec<String>) {
    let (mut found, mut notes, mut left) = (Vec::new(), Vec::new(), MOST_COMPONENTS);
    let locks = entries.iter().filter(|entry| is_file(entry) && is_lock_file(&entry.path));
    for (number, entry) in locks.enumerate() {
        if number == MOST_FILES {
            notes.push(format!(
                "there are more than {MOST_FILES} lock files: those after the first are not read"
            ));
            break;
        }
        match of_file(folder, &entry.path) {
            Ok(locked) if locked.components.len() > left => {
                notes.push(format!(
                    "{} is left out: there are more than {MOST_COMPONENTS} packages",
                    entry.path
                ));
            }
            Ok(locked) => {
                left -= locked.components.len();
                notes.extend(locked.notes.into_iter().map(|note| format!("{} {note}", entry.path)));
                found.push((entry.path.clone(), locked.components));
            }
            Err(why) => notes.push(format!("{} {why}", entry.path)),
        }
    }
    notes.truncate(MOST_NOTES);
    let short = |note: String| note.chars().take(LONGEST_NOTE).collect();
    (found, notes.into_iter().map(short).collect())
}

fn of_file(folder: &Path, path: &str) -> Result<tidegate_config::lock::Locked, String> {
    let bytes = read(&folder.join(path)).map_err(|error| format!("cannot be read: {error}"))?;
    if bytes.len() as u64 > LARGEST_LOCK {
        return Err(format!("is larger than {} MiB", LARGEST_LOCK >> 20));
    }
    let text = String::from_utf8(bytes).map_err(|_| "is not UTF-8".to_owned())?;
    read_lock(path, text.trim_start_matches('\u{feff}'))
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(LARGEST_LOCK + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}
