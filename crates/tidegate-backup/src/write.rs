//! Making a backup: beside its place first, checked, and only then in it.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, BufReader, BufWriter, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use age::Encryptor;
use serde::Serialize;
use sha2::{Digest, Sha256};
use tar::Header;
use tidegate_core::model::BuildPhase;
use tidegate_os::lock::{Lock, LockError};
use tidegate_store::Reader;
use zstd::stream::write::Encoder;

use crate::error::{BackupError, io, mistake};
use crate::key::{Recipients, Unlock, folder};
use crate::layout::{BUILDS, Besides, DATABASE, MARKER};
use crate::manifest::{FORMAT, MANIFEST, PREFACE, Preface, hex};
use crate::read;
use crate::tree::{Packed, Packing};

/// How much the compression tries: the quickest that halves text.
const LEVEL: i32 = 3;
/// How often the database is copied anew because builds were removed meanwhile.
const COPIES: u32 = 5;
/// A repository that is repacked meanwhile is looked at so often.
const LOOKS: u32 = 5;

/// What is to be made.
#[derive(Debug)]
pub struct Order<'a> {
    /// The data directory.
    pub data: &'a Path,
    /// The file. One that is there is replaced once the new one is whole.
    pub to: &'a Path,
    /// Whom it is for.
    pub recipients: &'a Recipients,
    /// What opens it, where that is at hand: it is then read back whole.
    pub opens: Option<&'a Unlock>,
    /// Whether the output of instances is in it.
    pub logs: bool,
    /// Whether what package tools and steps fetched is in it.
    pub caches: bool,
    /// The version of this program.
    pub version: &'a str,
    /// Now: milliseconds since the Unix epoch.
    pub unix_ms: u64,
}

/// A backup that was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Made {
    /// Where.
    pub file: PathBuf,
    /// Its size in bytes.
    pub bytes: u64,
    /// The size in bytes of what is in it.
    pub content_bytes: u64,
    /// How many files, folders and links are in it.
    pub members: usize,
    /// SHA-256 of the file.
    pub sha256: String,
    /// What was read back of it.
    pub checked: Checked,
    /// Builds that are known and were not there to be read.
    pub absent: Vec<String>,
}

/// What was checked of a backup once it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Checked {
    /// It was read back, decrypted, and every member compared with what was read.
    Content,
    /// What is on the disk is what was written, byte by byte, and begins as a backup does. What opens it is not on this machine.
    Bytes,
}

type Pipe = Encoder<'static, age::stream::StreamWriter<Counting<BufWriter<File>>>>;

/// Makes one. Killed at any moment it leaves the file that was there before, and a part of the new one beside it that the next
/// takes away.
pub fn back_up(order: &Order<'_>) -> Result<Made, BackupError> {
    let to = place(order)?;
    let _lock = only(order.data)?;
    let part = beside(&to);
    let made = write(order, &part).and_then(|written| {
        let checked = check(order, &part, &written)?;
        fs::rename(&part, &to).map_err(io("put in place", &to))?;
        let parent = to.parent().unwrap_or(Path::new("."));
        File::open(parent).and_then(|dir| dir.sync_all()).map_err(io("sync", parent))?;
        Ok(written.made(to, checked))
    });
    if made.is_err() {
        let _ = fs::remove_file(&part);
    }
    made
}

/// What was written, before it has its place.
struct Written {
    bytes: u64,
    content_bytes: u64,
    members: usize,
    sha256: String,
    absent: Vec<String>,
}

impl Written {
    fn made(self, file: PathBuf, checked: Checked) -> Made {
        let Written { bytes, content_bytes, members, sha256, absent } = self;
        Made { file, bytes, content_bytes, members, sha256, checked, absent }
    }
}

/// Where it goes to: never into what it is of.
fn place(order: &Order<'_>) -> Result<PathBuf, BackupError> {
    if !order.data.join(MARKER).is_file() {
        let what = format!("{} is no data directory of Tidegate", order.data.display());
        return Err(mistake(what, "name the one of `tidegate up`: `tidegate backup --data DIR`"));
    }
    let name = order.to.file_name().filter(|_| !order.to.is_dir());
    let name =
        name.ok_or_else(|| mistake(format!("{} is no file", order.to.display()), "name a file: -o FILE"))?;
    let parent = order.to.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let parent = fs::canonicalize(parent).map_err(io("use", parent))?;
    let data = fs::canonicalize(order.data).map_err(io("use", order.data))?;
    if parent.starts_with(&data) {
        let what = "a backup within the data directory goes with it";
        return Err(mistake(what, "name a file elsewhere, on another disk best: -o FILE"));
    }
    Ok(parent.join(name))
}

/// One at a time, so that what one leaves of its copy is another's to clear away.
fn only(data: &Path) -> Result<Lock, BackupError> {
    let path = folder(data)?.join("lock");
    Lock::acquire(&path).map_err(|error| match error {
        LockError::Held { pid } => {
            mistake(format!("a backup is being made already (process {pid})"), "wait until it is done")
        }
        LockError::Io(source) => io("lock", &path)(source),
    })
}

fn beside(to: &Path) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(to.file_name().unwrap_or_default());
    name.push(".part");
    to.with_file_name(name)
}

fn write(order: &Order<'_>, part: &Path) -> Result<Written, BackupError> {
    let _ = fs::remove_file(part);
    let file =
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(part).map_err(io("make", part))?;
    let staging = Staging::new(order.data)?;
    let reader = Reader::open(&order.data.join(DATABASE))?;
    let mut packing = Packing::new(pipe(order, part, file)?, order.data, besides(order));
    preface(&mut packing, order, reader.schema()?)?;
    database(&mut packing, &reader, &staging)?;
    rest(&mut packing, order.data)?;
    manifest(&mut packing)?;
    let (content_bytes, members) = (packing.bytes, packing.manifest.members.len());
    let absent = std::mem::take(&mut packing.manifest.absent);
    let written = finish(packing).map_err(io("write", part))?;
    Ok(Written { bytes: written.1, sha256: written.0, content_bytes, members, absent })
}

fn besides(order: &Order<'_>) -> Besides {
    Besides { logs: order.logs, caches: order.caches }
}

fn pipe(order: &Order<'_>, part: &Path, file: File) -> Result<Pipe, BackupError> {
    let out = Counting { inner: BufWriter::with_capacity(256 << 10, file), hash: Sha256::new(), bytes: 0 };
    let encryptor = match order.recipients {
        Recipients::Keys(keys) => {
            let made = Encryptor::with_recipients(keys.iter().map(|key| key as &dyn age::Recipient));
            made.map_err(|error| mistake(error.to_string(), "see the keys given with --recipient"))?
        }
        Recipients::Passphrase(passphrase) => Encryptor::with_user_passphrase(passphrase.clone()),
    };
    let sealed = encryptor.wrap_output(out).map_err(io("write", part))?;
    Encoder::new(sealed, LEVEL).map_err(io("compress", part))
}

fn preface<W: Write>(
    packing: &mut Packing<'_, W>,
    order: &Order<'_>,
    schema: u32,
) -> Result<(), BackupError> {
    let data = fs::canonicalize(order.data).map_err(io("use", order.data))?;
    let preface = Preface {
        format: FORMAT,
        tidegate: order.version.to_owned(),
        schema,
        made_unix_ms: order.unix_ms,
        data,
    };
    said(packing, PREFACE, &serde_json::to_vec(&preface).unwrap_or_default())
}

fn manifest<W: Write>(packing: &mut Packing<'_, W>) -> Result<(), BackupError> {
    let text = serde_json::to_vec(&packing.manifest).unwrap_or_default();
    said(packing, MANIFEST, &text)
}

fn said<W: Write>(packing: &mut Packing<'_, W>, name: &str, text: &[u8]) -> Result<(), BackupError> {
    let mut header = Header::new_gnu();
    header.set_size(text.len() as u64);
    header.set_mode(0o600);
    packing.tar.append_data(&mut header, name, text).map_err(io("write", Path::new(name)))
}

/// Builds, and a copy of the database that speaks of none but them. Builds never change, but old ones are removed: where one goes
/// away while it is read, the database is copied again, and speaks of it no more.
fn database<W: Write>(
    packing: &mut Packing<'_, W>,
    live: &Reader,
    staging: &Staging,
) -> Result<(), BackupError> {
    let mut packed: BTreeMap<String, Packed> = BTreeMap::new();
    packing.alone(Path::new(BUILDS))?;
    pack_builds(packing, &ready(live)?, &mut packed)?;
    for copy in 1..=COPIES {
        let path = staging.copy(copy);
        live.copy_to(&path)?;
        let wanted = ready(&Reader::open(&path)?)?;
        pack_builds(packing, &wanted, &mut packed)?;
        let missing = |name: &&String| packed.get(*name) != Some(&Packed::Whole);
        let absent: Vec<String> = wanted.iter().filter(missing).cloned().collect();
        if absent.is_empty() || copy == COPIES {
            // Also those that were half read and are not wanted any more.
            let half = packed
                .iter()
                .filter(|(_, packed)| **packed == Packed::Vanished)
                .map(|(name, _)| name.clone());
            packing.manifest.absent = half.chain(absent).collect::<BTreeSet<_>>().into_iter().collect();
            let file = File::open(&path).map_err(io("read", &path))?;
            return packing.opened(Path::new(DATABASE), file);
        }
        let _ = fs::remove_file(path);
    }
    Ok(())
}

/// The folders of builds that can be used.
fn ready(store: &Reader) -> Result<BTreeSet<String>, BackupError> {
    let builds = store.builds()?.into_iter().filter(|build| build.phase == BuildPhase::Ready);
    Ok(builds.map(|build| build.id.0.get(..32).unwrap_or(&build.id.0).to_owned()).collect())
}

fn pack_builds<W: Write>(
    packing: &mut Packing<'_, W>,
    names: &BTreeSet<String>,
    packed: &mut BTreeMap<String, Packed>,
) -> Result<(), BackupError> {
    for name in names {
        if !packed.contains_key(name) {
            let whole = packing.tree(&Path::new(BUILDS).join(name))?;
            packed.insert(name.clone(), whole);
        }
    }
    Ok(())
}

/// Everything else. What the database speaks of was there before it was copied, and is only added to.
fn rest<W: Write>(packing: &mut Packing<'_, W>, data: &Path) -> Result<(), BackupError> {
    let listed = fs::read_dir(data).map_err(io("list", data))?;
    let mut names: Vec<OsString> = listed
        .map(|item| item.map(|item| item.file_name()))
        .collect::<Result<_, _>>()
        .map_err(io("list", data))?;
    names.sort();
    for name in names.iter().filter(|name| *name != BUILDS) {
        // Files may be packed into others meanwhile: what they became is found by looking again.
        for _ in 0..LOOKS {
            if packing.tree(Path::new(name))? == Packed::Whole {
                break;
            }
        }
    }
    objects(packing, data)
}

/// Once more what repositories are made of: a branch that moved meanwhile leads to what came after the first look.
fn objects<W: Write>(packing: &mut Packing<'_, W>, data: &Path) -> Result<(), BackupError> {
    let Ok(repositories) = fs::read_dir(data.join("git")) else { return Ok(()) };
    for repository in repositories.flatten() {
        let objects = Path::new("git").join(repository.file_name()).join("objects");
        for _ in 0..LOOKS {
            if !data.join(&objects).is_dir() || packing.tree(&objects)? == Packed::Whole {
                break;
            }
        }
    }
    Ok(())
}

/// The digest and size of what was written; all of it is on the disk.
fn finish(packing: Packing<'_, Pipe>) -> io::Result<(String, u64)> {
    let counting = packing.tar.into_inner()?.finish()?.finish()?;
    let Counting { inner, hash, bytes } = counting;
    let file = inner.into_inner().map_err(io::IntoInnerError::into_error)?;
    file.sync_all()?;
    Ok((hex(hash), bytes))
}

fn check(order: &Order<'_>, part: &Path, written: &Written) -> Result<Checked, BackupError> {
    let file = File::open(part).map_err(io("read", part))?;
    let mut counting = Counting { inner: io::sink(), hash: Sha256::new(), bytes: 0 };
    io::copy(&mut BufReader::with_capacity(256 << 10, file), &mut counting).map_err(io("read", part))?;
    if (hex(counting.hash), counting.bytes) != (written.sha256.clone(), written.bytes) {
        let why = "what is on the disk is not what was written".to_owned();
        return Err(BackupError::Damaged { path: part.to_owned(), member: None, why });
    }
    let own = order.recipients.opens();
    match own.as_ref().or(order.opens) {
        Some(unlock) => read::verify(part, unlock).map(|_| Checked::Content),
        None => read::begins_as_one(part).map(|()| Checked::Bytes),
    }
}

/// A folder for copies of the database: nobody else's to enter, and cleared by `tidegate up` where we are killed.
struct Staging(PathBuf);

impl Staging {
    fn new(data: &Path) -> Result<Staging, BackupError> {
        let folder = data.join("staging");
        let made = DirBuilder::new().recursive(true).mode(0o700).create(&folder);
        made.map_err(io("make", &folder))?;
        let path = folder.join("backup");
        // What a killed one left: nobody else makes a backup now.
        let _ = fs::remove_dir_all(&path);
        DirBuilder::new().mode(0o700).create(&path).map_err(io("make", &path))?;
        Ok(Staging(path))
    }

    fn copy(&self, number: u32) -> PathBuf {
        self.0.join(format!("{number}.db"))
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Counts and digests what goes through.
pub(crate) struct Counting<W> {
    inner: W,
    hash: Sha256,
    bytes: u64,
}

impl<W: Write> Write for Counting<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.hash.update(&bytes[..written]);
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
