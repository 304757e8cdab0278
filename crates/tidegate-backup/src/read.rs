//! Reading a backup, member by member. Whoever made it may mean ill: nothing in it is trusted, every size has an end.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use age::{DecryptError, Decryptor, Identity};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};
use tar::{Archive, Entry, EntryType};
use zstd::stream::read::Decoder;

use crate::error::{BackupError, io, mistake};
use crate::key::Unlock;
use crate::manifest::{DATA, FORMAT, MANIFEST, Manifest, Member, PREFACE, Preface, digest, hex, name_of};

/// The largest member: a database or a pack is not larger.
const LARGEST: u64 = 64 << 30;
/// The largest manifest: some two million members.
const LARGEST_MANIFEST: u64 = 512 << 20;
const LARGEST_PREFACE: u64 = 64 << 10;
const MOST_MEMBERS: usize = 2_000_000;
/// Folders in each other.
const DEEPEST: usize = 256;
const LONGEST_PATH: usize = 4_096;
/// How every file of this kind of encryption begins.
const BEGIN: &[u8] = b"age-encryption.org/v1\n";
/// A passphrase that takes more than a minute to try is nobody's.
const MOST_WORK: u8 = 22;

/// What reads what is in a backup.
pub(crate) trait Sink {
    /// It begins.
    fn begin(&mut self, preface: &Preface) -> Result<(), BackupError>;
    /// A folder; its own folder came before.
    fn folder(&mut self, path: &Path, meta: Meta) -> Result<(), BackupError>;
    /// A link.
    fn link(&mut self, path: &Path, target: &Path) -> Result<(), BackupError>;
    /// A file begins; the one before has ended.
    fn file(&mut self, path: &Path, meta: Meta) -> Result<(), BackupError>;
    /// Bytes of the file.
    fn bytes(&mut self, bytes: &[u8]) -> Result<(), BackupError>;
    /// The file ends.
    fn end(&mut self) -> Result<(), BackupError>;
}

/// What is kept of a file or folder besides what is in it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Meta {
    pub(crate) mode: u32,
    /// Seconds since the Unix epoch.
    pub(crate) modified_s: u64,
}

/// A backup that was read from its beginning to its end, and is as it was when it was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Verified {
    /// The version of Tidegate that made it.
    pub tidegate: String,
    /// The version of the database's schema.
    pub schema: u32,
    /// When it was begun: milliseconds since the Unix epoch.
    pub made_unix_ms: u64,
    /// Where the data directory was.
    pub data: PathBuf,
    /// How many files, folders and links are in it.
    pub members: usize,
    /// Their size in bytes.
    pub content_bytes: u64,
    /// Builds that are known and are not in it.
    pub absent: Vec<String>,
}

/// Reads all of a backup and compares every member with what it is to be. Nothing is written.
pub fn verify(path: &Path, unlock: &Unlock) -> Result<Verified, BackupError> {
    read(path, unlock, &mut Nowhere).map(|(preface, manifest)| verified(preface, manifest))
}

pub(crate) fn verified(preface: Preface, manifest: Manifest) -> Verified {
    let size = |member: &Member| if let Member::File(size, _) = member { *size } else { 0 };
    let Preface { tidegate, schema, made_unix_ms, data, .. } = preface;
    let content_bytes = manifest.members.values().map(size).sum();
    let members = manifest.members.len();
    Verified { tidegate, schema, made_unix_ms, data, members, content_bytes, absent: manifest.absent }
}

/// Whether a file begins as a backup does: what can be said of it without its key.
pub(crate) fn begins_as_one(path: &Path) -> Result<(), BackupError> {
    let file = File::open(path).map_err(io("read", path))?;
    Decryptor::new_buffered(BufReader::new(file)).map(drop).map_err(|error| refused(path, &error))
}

/// Reads all of it into a sink.
pub(crate) fn read(
    path: &Path,
    unlock: &Unlock,
    sink: &mut dyn Sink,
) -> Result<(Preface, Manifest), BackupError> {
    let mut reading = Reading { path, member: None, seen: BTreeMap::new() };
    let mut archive = Archive::new(opened(path, unlock)?);
    let mut entries = archive.entries().map_err(|error| reading.broken(&error))?;
    let mut next = |reading: &Reading<'_>| match entries.next() {
        Some(entry) => entry.map(Some).map_err(|error| reading.broken(&error)),
        None => Ok(None),
    };
    let first = next(&reading)?.ok_or_else(|| reading.wrong("it is empty"))?;
    let preface: Preface = reading.text(first, PREFACE, LARGEST_PREFACE)?;
    if preface.format > FORMAT {
        let (path, by) = (path.to_owned(), preface.tidegate);
        return Err(BackupError::TooNew { path, by, found: preface.format, known: FORMAT });
    }
    sink.begin(&preface)?;
    loop {
        let entry =
            next(&reading)?.ok_or_else(|| reading.wrong("it ends before its manifest: a part is missing"))?;
        if entry.path_bytes().as_ref() == MANIFEST.as_bytes() {
            let manifest: Manifest = reading.text(entry, MANIFEST, LARGEST_MANIFEST)?;
            reading.compare(&manifest)?;
            if next(&reading)?.is_some() {
                return Err(reading.wrong("there is more of it after its manifest"));
            }
            return Ok((preface, manifest));
        }
        reading.one(entry, sink)?;
    }
}

type Stream = Decoder<'static, BufReader<age::stream::StreamReader<BufReader<File>>>>;

fn opened(path: &Path, unlock: &Unlock) -> Result<Stream, BackupError> {
    let mut file = BufReader::with_capacity(256 << 10, File::open(path).map_err(io("read", path))?);
    let mut begin = [0; BEGIN.len()];
    let whole = file.read_exact(&mut begin).is_ok();
    if !whole || begin != *BEGIN {
        return Err(mistake(
            format!("{} is no backup", path.display()),
            "name a file that `tidegate backup` made",
        ));
    }
    let file = BufReader::with_capacity(256 << 10, File::open(path).map_err(io("read", path))?);
    let locked = Decryptor::new_buffered(file).map_err(|error| refused(path, &error))?;
    let plain = match unlock {
        Unlock::Identities(keys) => locked.decrypt(keys.iter().map(|key| key as &dyn Identity)),
        Unlock::Passphrase(passphrase) => {
            let mut identity = age::scrypt::Identity::new(passphrase.clone());
            identity.set_max_work_factor(MOST_WORK);
            locked.decrypt(std::iter::once(&identity as &dyn Identity))
        }
    };
    let plain = plain.map_err(|error| refused(path, &error))?;
    Decoder::new(plain).map_err(|error| Reading { path, member: None, seen: BTreeMap::new() }.broken(&error))
}

fn refused(path: &Path, error: &DecryptError) -> BackupError {
    let path = path.to_owned();
    match error {
        DecryptError::NoMatchingKeys => {
            BackupError::Locked { path, why: "it was made for other keys than the one given".to_owned() }
        }
        DecryptError::KeyDecryptionFailed | DecryptError::DecryptionFailed => BackupError::Locked {
            path,
            why: "the passphrase or key is not the one it was made for".to_owned(),
        },
        DecryptError::ExcessiveWork { .. } => BackupError::Locked {
            path,
            why: "trying its passphrase would take hours: it was not made by Tidegate".to_owned(),
        },
        other => {
            BackupError::Damaged { path, member: None, why: format!("its head cannot be read: {other}") }
        }
    }
}

/// How far it was read.
struct Reading<'p> {
    path: &'p Path,
    member: Option<String>,
    seen: BTreeMap<String, Member>,
}

impl Reading<'_> {
    fn wrong(&self, why: impl Into<String>) -> BackupError {
        BackupError::Damaged { path: self.path.to_owned(), member: self.member.clone(), why: why.into() }
    }

    fn broken(&self, error: &io::Error) -> BackupError {
        let why = match error.kind() {
            io::ErrorKind::UnexpectedEof => "it ends too early: a part is missing".to_owned(),
            _ => format!("it was changed or is torn: {error}"),
        };
        self.wrong(why)
    }

    /// A member of our own, whole.
    fn text<T: DeserializeOwned, R: Read>(
        &self,
        mut entry: Entry<'_, R>,
        name: &str,
        most: u64,
    ) -> Result<T, BackupError> {
        if entry.path_bytes().as_ref() != name.as_bytes() || entry.header().entry_type() != EntryType::Regular
        {
            return Err(self.wrong(format!("it has no `{name}` where one must be")));
        }
        if entry.size() > most {
            return Err(self.wrong(format!("its `{name}` is too large")));
        }
        let mut text = Vec::new();
        entry.read_to_end(&mut text).map_err(|error| self.broken(&error))?;
        serde_json::from_slice(&text).map_err(|_| self.wrong(format!("its `{name}` cannot be understood")))
    }

    /// One of the data directory's.
    fn one<R: Read>(&mut self, mut entry: Entry<'_, R>, sink: &mut dyn Sink) -> Result<(), BackupError> {
        let path = entry.path().map(|path| path.into_owned()).map_err(|error| self.broken(&error))?;
        self.member = Some(name_of(&path));
        let path = within(&path).ok_or_else(|| self.wrong("it leads out of the data directory"))?;
        let name = name_of(&path);
        self.member = Some(name.clone());
        self.place(&path)?;
        let mode = entry.header().mode().map_err(|error| self.broken(&error))? & 0o777;
        let modified_s = entry.header().mtime().map_err(|error| self.broken(&error))?;
        let meta = Meta { mode, modified_s };
        let member = match entry.header().entry_type() {
            EntryType::Directory => {
                sink.folder(&path, meta)?;
                Member::Folder
            }
            EntryType::Symlink => self.link(&entry, &path, sink)?,
            EntryType::Regular => self.file(&mut entry, (&path, meta), sink)?,
            other => return Err(self.wrong(format!("it is neither file, folder nor link ({other:?})"))),
        };
        self.seen.insert(name, member);
        Ok(())
    }

    /// Its folder came before, and is a folder: nothing is ever put behind a link.
    fn place(&self, path: &Path) -> Result<(), BackupError> {
        if self.seen.len() >= MOST_MEMBERS {
            return Err(self.wrong("it has more members than any data directory"));
        }
        if self.seen.contains_key(&name_of(path)) {
            return Err(self.wrong("it is in there twice"));
        }
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        if parent.is_some_and(|parent| self.seen.get(&name_of(parent)) != Some(&Member::Folder)) {
            return Err(self.wrong("it is in no folder of the backup"));
        }
        Ok(())
    }

    fn link<R: Read>(
        &self,
        entry: &Entry<'_, R>,
        path: &Path,
        sink: &mut dyn Sink,
    ) -> Result<Member, BackupError> {
        let target = entry.link_name().map_err(|error| self.broken(&error))?;
        let target = target.ok_or_else(|| self.wrong("it is a link to nowhere"))?;
        let bytes = target.as_os_str().as_bytes();
        if bytes.is_empty() || bytes.len() > LONGEST_PATH || bytes.contains(&0) {
            return Err(self.wrong("it is a link that leads nowhere there could be"));
        }
        // Apps have links in what is built of them; Tidegate's own files are none.
        let of_app = ["builds", "snapshots", "artifacts", "step-cache", "cache"]
            .iter()
            .any(|top| path.starts_with(top));
        if !of_app {
            return Err(self.wrong("it is a link where Tidegate has none"));
        }
        sink.link(path, &target)?;
        Ok(Member::Link(digest(bytes)))
    }

    fn file<R: Read>(
        &self,
        entry: &mut Entry<'_, R>,
        (path, meta): (&Path, Meta),
        sink: &mut dyn Sink,
    ) -> Result<Member, BackupError> {
        let size = entry.size();
        if size > LARGEST {
            return Err(self.wrong(format!("it is larger than {} GiB", LARGEST >> 30)));
        }
        sink.file(path, meta)?;
        let (mut hash, mut chunk, mut read) = (Sha256::new(), vec![0; 128 << 10], 0);
        loop {
            let bytes = entry.read(&mut chunk).map_err(|error| self.broken(&error))?;
            if bytes == 0 {
                break;
            }
            hash.update(&chunk[..bytes]);
            sink.bytes(&chunk[..bytes])?;
            read += bytes as u64;
        }
        if read != size {
            return Err(self.wrong("it ends too early: a part is missing"));
        }
        sink.end()?;
        Ok(Member::File(size, hex(hash)))
    }

    fn compare(&mut self, manifest: &Manifest) -> Result<(), BackupError> {
        for (name, wanted) in &manifest.members {
            if self.seen.get(name) != Some(wanted) {
                self.member = Some(name.clone());
                let there = self.seen.contains_key(name);
                return Err(self.wrong(if there {
                    "it is not what its manifest says"
                } else {
                    "it is missing"
                }));
            }
        }
        let added = self.seen.keys().find(|name| !manifest.members.contains_key(*name)).cloned();
        match added {
            None => Ok(()),
            Some(name) => {
                self.member = Some(name);
                Err(self.wrong("its manifest does not know it"))
            }
        }
    }
}

/// The path below the data directory, where it is one: plain names, none of them a way up.
fn within(path: &Path) -> Option<PathBuf> {
    let inner = path.strip_prefix(DATA).ok()?;
    let plain = inner.components().all(|part| matches!(part, Component::Normal(_)));
    let length = inner.as_os_str().len();
    let fits = (1..=LONGEST_PATH).contains(&length) && inner.components().count() <= DEEPEST;
    (plain && fits).then(|| inner.components().collect())
}

/// Looks at everything and keeps nothing.
struct Nowhere;

impl Sink for Nowhere {
    fn begin(&mut self, _: &Preface) -> Result<(), BackupError> {
        Ok(())
    }
    fn folder(&mut self, _: &Path, _: Meta) -> Result<(), BackupError> {
        Ok(())
    }
    fn link(&mut self, _: &Path, _: &Path) -> Result<(), BackupError> {
        Ok(())
    }
    fn file(&mut self, _: &Path, _: Meta) -> Result<(), BackupError> {
        Ok(())
    }
    fn bytes(&mut self, _: &[u8]) -> Result<(), BackupError> {
        Ok(())
    }
    fn end(&mut self) -> Result<(), BackupError> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_paths_below_the_data_directory_are_taken() {
        assert_eq!(within(Path::new("data/builds/a/")), Some(PathBuf::from("builds/a")));
        for bad in [
            "data",
            "data/",
            "etc/passwd",
            "/etc/passwd",
            "data/../x",
            "data/a/../../x",
            "../data/a",
            "database",
        ] {
            assert_eq!(within(Path::new(bad)), None, "{bad}");
        }
        assert_eq!(within(&Path::new("data").join("a/".repeat(300))), None);
    }
}
