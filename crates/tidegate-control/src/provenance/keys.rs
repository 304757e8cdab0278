//! The keys of an installation: one signs, those that did stay known by their public halves.
//!
//! Private halves are files of their own, outside the store: a copy of the store alone signs nothing. A new one is written before the
//! ring names it, so a kill leaves at most a file that nothing names, which the next start removes.

use std::ffi::OsStr;
use std::fmt;
use std::fs::{self, DirBuilder, File, Permissions};
use std::io::{self, Read};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tidegate_core::provenance::Envelope;
use tidegate_core::view::{KeyList, KeyView};
use tidegate_os::file::write_atomic;

use super::envelope::{PublicKey, sealed};
use crate::answer::rfc3339;

const FOLDER: &str = "keys";
const RING: &str = "ring.json";
const PRIVATE: &str = "pk8";
/// The most bytes of a file of keys.
const LARGEST: u64 = 1 << 20;
/// The most keys of a ring.
const MOST: usize = 1_000;

/// See the module. Its `Debug` output shows no key.
pub struct Keys {
    folder: PathBuf,
    held: Mutex<Held>,
}

struct Held {
    pair: Ed25519KeyPair,
    ring: Ring,
}

/// The file: the oldest key first, the last one signs.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Ring {
    keys: Vec<Known>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Known {
    id: String,
    /// SubjectPublicKeyInfo in base64.
    public: String,
    made_at_unix_ms: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    retired_at_unix_ms: Option<u64>,
}

impl Keys {
    /// The keys of a data directory; the first one is made where there are none.
    ///
    /// # Errors
    /// Whatever the file system says; `InvalidData` where the files hold something else than keys that belong together.
    pub fn open(data: &Path, now_unix_ms: u64) -> io::Result<Self> {
        let folder = data.join(FOLDER);
        DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
        fs::set_permissions(&folder, Permissions::from_mode(0o700))?;
        let held = match read(&folder.join(RING)) {
            Ok(text) => held_of(&folder, &text)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                added(&folder, Ring::default(), now_unix_ms)?
            }
            Err(error) => return Err(error),
        };
        let keys = Keys { folder, held: Mutex::new(held) };
        keys.remove_others()?;
        Ok(keys)
    }

    /// Signs a statement.
    pub(crate) fn sign(&self, statement: &Value) -> Envelope {
        let held = self.held();
        sealed(statement, &held.pair, &held.ring.signs().id)
    }

    /// The id of the key that signs.
    pub(crate) fn current(&self) -> String {
        self.held().ring.signs().id.clone()
    }

    /// The public halves, those of retired keys among them.
    pub(crate) fn public(&self) -> Vec<PublicKey> {
        self.held().ring.keys.iter().filter_map(Known::key).collect()
    }

    /// When a key was retired, milliseconds since the Unix epoch.
    pub(crate) fn retired(&self, id: &str) -> Option<u64> {
        self.held().ring.keys.iter().find(|known| known.id == id)?.retired_at_unix_ms
    }

    /// All of them for people, the one that signs first.
    pub(crate) fn list(&self) -> KeyList {
        let view = |known: &Known| {
            let public = known.key().map(|key| key.pem()).unwrap_or_default();
            let retired = known.retired_at_unix_ms.map(rfc3339);
            KeyView { id: known.id.clone(), public, made: rfc3339(known.made_at_unix_ms), retired }
        };
        KeyList { keys: self.held().ring.keys.iter().rev().map(view).collect() }
    }

    /// Has a new key sign from now on. The old one's private half is removed.
    ///
    /// # Errors
    /// Whatever the file system says: then the old one goes on.
    pub(crate) fn rotate(&self, now_unix_ms: u64) -> io::Result<()> {
        let mut held = self.held();
        if held.ring.keys.len() >= MOST {
            return Err(io::Error::other(format!("there are {MOST} keys already")));
        }
        *held = added(&self.folder, held.ring.clone(), now_unix_ms)?;
        drop(held);
        self.remove_others()
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Private halves of keys that do not sign: of retired ones, and what a kill left.
    fn remove_others(&self) -> io::Result<()> {
        let current = self.current();
        for item in fs::read_dir(&self.folder)? {
            let path = item?.path();
            let is = |part: Option<&OsStr>, what: &str| part.is_some_and(|part| part == what);
            if is(path.extension(), PRIVATE) && !is(path.file_stem(), &current) {
                fs::remove_file(&path)?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keys(…)")
    }
}

impl Ring {
    /// A ring that is held has one: see `held_of` and `added`.
    fn signs(&self) -> &Known {
        self.keys.last().expect("a ring that is held has a key that signs")
    }
}

impl Known {
    fn key(&self) -> Option<PublicKey> {
        PublicKey::of_der(&STANDARD.decode(&self.public).ok()?)
    }
}

/// A ring that was read, with the private half of its last key.
fn held_of(folder: &Path, text: &[u8]) -> io::Result<Held> {
    let ring: Ring = serde_json::from_slice(text).map_err(|_| damaged("ring.json is none"))?;
    let known = ring.keys.last().filter(|known| known.retired_at_unix_ms.is_none());
    let known = known.ok_or_else(|| damaged("ring.json names no key that signs"))?;
    if ring.keys.iter().any(|known| known.key().is_none_or(|key| key.id() != known.id)) {
        return Err(damaged("ring.json has a key that is damaged"));
    }
    let path = folder.join(&known.id).with_extension(PRIVATE);
    let private =
        read(&path).map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))?;
    fs::set_permissions(&path, Permissions::from_mode(0o600))?;
    let pair = Ed25519KeyPair::from_pkcs8(&private).map_err(|_| damaged("the key that signs is damaged"))?;
    if public_of(&pair)?.id() != known.id {
        return Err(damaged("the key that signs is another one than ring.json names"));
    }
    Ok(Held { pair, ring })
}

/// A ring with a new key that signs: first its private half is written, then the ring that names it.
fn added(folder: &Path, mut ring: Ring, now_unix_ms: u64) -> io::Result<Held> {
    let made = || io::Error::other("a key could not be made");
    let pair = Ed25519KeyPair::generate().map_err(|_| made())?;
    let private = pair.to_pkcs8().map_err(|_| made())?;
    let public = public_of(&pair)?;
    let id = public.id();
    write_atomic(&folder.join(&id).with_extension(PRIVATE), private.as_ref(), 0o600)?;
    if let Some(last) = ring.keys.last_mut() {
        last.retired_at_unix_ms = Some(now_unix_ms);
    }
    let public = STANDARD.encode(public.der());
    ring.keys.push(Known { id, public, made_at_unix_ms: now_unix_ms, retired_at_unix_ms: None });
    write_atomic(&folder.join(RING), &serde_json::to_vec_pretty(&ring)?, 0o600)?;
    Ok(Held { pair, ring })
}

fn public_of(pair: &Ed25519KeyPair) -> io::Result<PublicKey> {
    PublicKey::of_raw(pair.public_key().as_ref()).ok_or_else(|| damaged("a key has no public half"))
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(LARGEST).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn damaged(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why.to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::opened;
    use super::*;

    fn names(keys: &Keys) -> Vec<String> {
        let items = fs::read_dir(&keys.folder).unwrap();
        let mut names: Vec<String> =
            items.map(|item| item.unwrap().file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_key_is_made_once_and_old_ones_stay_known() {
        let data = tempfile::tempdir().unwrap();
        let first = Keys::open(data.path(), 1_000).unwrap();
        let (envelope, id) = (first.sign(&json!({})), first.current());
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&first.folder), 0o700);
        assert_eq!(mode(&first.folder.join(&id).with_extension(PRIVATE)), 0o600);
        drop(first);

        let again = Keys::open(data.path(), 2_000).unwrap();
        assert_eq!(again.current(), id);
        again.rotate(3_000).unwrap();
        assert_ne!(again.current(), id);
        assert_eq!(names(&again), [format!("{}.pk8", again.current()), RING.to_owned()].map(String::from));
        let list = again.list().keys;
        assert_eq!((list.len(), list[0].retired.as_deref()), (2, None));
        assert_eq!(list[1].retired.as_deref(), Some("1970-01-01T00:00:03.000Z"));
        assert_eq!(opened(&envelope, &again.public()).unwrap().1.id(), id);
        assert_eq!(format!("{again:?}"), "Keys(…)");
    }

    #[test]
    fn what_a_kill_left_is_removed_and_what_is_lost_is_told() {
        let data = tempfile::tempdir().unwrap();
        let keys = Keys::open(data.path(), 1_000).unwrap();
        fs::write(keys.folder.join("aa.pk8"), "half").unwrap();
        let keys = Keys::open(data.path(), 1_000).unwrap();
        assert!(!keys.folder.join("aa.pk8").exists());

        let private = keys.folder.join(keys.current()).with_extension(PRIVATE);
        let other = Ed25519KeyPair::generate().unwrap().to_pkcs8().unwrap();
        fs::write(&private, other.as_ref()).unwrap();
        assert!(Keys::open(data.path(), 1_000).unwrap_err().to_string().contains("another one"));
        fs::remove_file(&private).unwrap();
        assert!(Keys::open(data.path(), 1_000).unwrap_err().to_string().contains(&keys.current()));
        fs::write(keys.folder.join(RING), "{").unwrap();
        assert_eq!(Keys::open(data.path(), 1_000).unwrap_err().kind(), io::ErrorKind::InvalidData);
    }
}
