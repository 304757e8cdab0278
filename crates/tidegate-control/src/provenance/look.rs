//! Looking at a build's files: its listing, its digest, and in what they differ from what was sealed.

use std::fs::{self, DirBuilder, File};
use std::io::{self, Read};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use ignore::WalkBuilder;
use sha2::{Digest, Sha256};
use tidegate_core::model::BuildId;
use tidegate_core::provenance::{Kind, Line, Listing};
use tidegate_os::file::write_atomic;

use super::{hex, sha256};
use crate::seams::Inspection;

/// The most entries of a build.
const MOST_ENTRIES: usize = 2_000_000;
/// The largest listing that is read back, in bytes.
const LARGEST_LISTING: u64 = 512 << 20;
/// More files with a mode they should not have are not told one by one.
const MOST_TOLD: usize = 5;

/// What is in a folder.
#[derive(Clone, Debug, Default)]
pub struct Look {
    /// A line for everything.
    pub listing: Listing,
    /// SHA-256 in hex of its text: what a build is known by.
    pub digest: String,
    /// Bytes of all files.
    pub bytes: u64,
    /// What somebody may write to, or runs as somebody else: nothing of a sealed build does.
    pub loose: Vec<String>,
}

/// Looks at everything below a folder. Takes as long as it is large.
///
/// # Errors
/// What cannot be read, names that are not UTF-8, more entries than a build has.
pub fn look(dir: &Path) -> io::Result<Look> {
    let (mut lines, mut found) = (Vec::new(), Look::default());
    if !fs::symlink_metadata(dir)?.is_dir() {
        return Err(io::Error::other(format!("{} is no folder", dir.display())));
    }
    for item in WalkBuilder::new(dir).standard_filters(false).follow_links(false).build() {
        let item = item.map_err(io::Error::other)?;
        let Some(path) = relative(dir, item.path())? else { continue };
        if lines.len() >= MOST_ENTRIES {
            return Err(io::Error::other(format!("there are more than {MOST_ENTRIES} entries")));
        }
        let meta = fs::symlink_metadata(item.path())?;
        let mode = meta.permissions().mode();
        if !meta.is_symlink() && mode & 0o7222 != 0 {
            found.loose.push(path.clone());
        }
        let (kind, digest) = if meta.is_symlink() {
            let target = fs::read_link(item.path())?;
            (Kind::Link, sha256(target.as_os_str().as_encoded_bytes()))
        } else if meta.is_file() {
            found.bytes += meta.len();
            (if mode & 0o100 == 0 { Kind::File } else { Kind::Executable }, of_file(item.path())?)
        } else if meta.is_dir() {
            (Kind::Folder, "-".to_owned())
        } else {
            (Kind::Other, "-".to_owned())
        };
        lines.push(Line { path, kind, digest });
    }
    found.listing = Listing::new(lines);
    found.digest = sha256(found.listing.text().as_bytes());
    Ok(found)
}

/// The path within; `None` for the folder itself.
fn relative(dir: &Path, path: &Path) -> io::Result<Option<String>> {
    let within = path.strip_prefix(dir).unwrap_or(path);
    let text = within
        .to_str()
        .ok_or_else(|| io::Error::other(format!("{}: file names must be UTF-8", within.to_string_lossy())))?;
    Ok((!text.is_empty()).then(|| text.to_owned()))
}

fn of_file(path: &Path) -> io::Result<String> {
    let (mut file, mut hash, mut buffer) = (File::open(path)?, Sha256::new(), vec![0; 128 << 10]);
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hex(&hash.finalize())),
            read => hash.update(&buffer[..read]),
        }
    }
}

/// What is kept of a build besides its files.
pub(crate) struct Kept(PathBuf);

impl Kept {
    /// Of this build.
    pub(crate) fn of(data: &Path, build: &BuildId) -> Self {
        Kept(data.join("provenance").join(build.0.get(..32).unwrap_or(&build.0)))
    }

    /// Its folder.
    pub(crate) fn dir(&self) -> &Path {
        &self.0
    }

    /// Keeps its listing and the list of its components.
    pub(crate) fn write(&self, listing: &Listing, sbom: &str) -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(0o700).create(&self.0)?;
        write_atomic(&self.0.join("listing"), listing.text().as_bytes(), 0o600)?;
        write_atomic(&self.sbom_path(), sbom.as_bytes(), 0o600)
    }

    /// The list of its components, where its digest is this one.
    pub(crate) fn sbom(&self, digest: &str) -> io::Result<String> {
        let text = fs::read_to_string(self.sbom_path())?;
        if sha256(text.as_bytes()) == digest {
            Ok(text)
        } else {
            Err(io::Error::new(io::ErrorKind::InvalidData, "it is not the one the attestation names"))
        }
    }

    fn sbom_path(&self) -> PathBuf {
        self.0.join("sbom.cdx.json")
    }

    /// Its listing as it was sealed: the digest says that it is that one.
    fn listing(&self, digest: &str) -> Option<Listing> {
        let (mut text, path) = (String::new(), self.0.join("listing"));
        File::open(path).ok()?.take(LARGEST_LISTING).read_to_string(&mut text).ok()?;
        (sha256(text.as_bytes()) == digest).then(|| Listing::parse(&text).ok())?
    }
}

/// Whether a sealed build is what it was. Takes as long as it is large.
pub(crate) fn inspected(dir: &Path, kept: &Kept, subject: &str) -> Inspection {
    let found = match look(dir) {
        Ok(found) => found,
        Err(error) => {
            let problems = vec![format!("its files cannot be read: {error}")];
            return Inspection { problems, ..Inspection::default() };
        }
    };
    let mut problems = Vec::new();
    if found.digest != subject {
        let differences = kept.listing(subject).map(|sealed| sealed.differences(&found.listing));
        match differences.filter(|all| !all.is_empty()) {
            Some(all) => {
                problems.push(format!("its files are not those that were built: {}", all.join(", ")))
            }
            None => problems.push("its files are not those that were built".to_owned()),
        }
    }
    problems.extend(loose(&found.loose));
    let entries = found.listing.lines().len() as u64;
    Inspection { digest: found.digest, problems, entries, bytes: found.bytes }
}

fn loose(paths: &[String]) -> Option<String> {
    let first: Vec<String> = paths.iter().take(MOST_TOLD).map(|path| format!("`{path}`")).collect();
    let more = paths.len().saturating_sub(MOST_TOLD);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    (!paths.is_empty()).then(|| {
        format!(
            "{}{more} had another mode: nobody may write to a build, nor run it as somebody else",
            first.join(", ")
        )
    })
}
