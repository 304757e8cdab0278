//! What opens secrets: an age identity (X25519) in a file of its own, `keys/secrets.age`, which nobody else can read. The store has
//! encrypted values only; a copy of it alone opens none.
//!
//! While the key is changed the file has the new one first and the old one after it. Everything is encrypted anew in one transaction,
//! and only then the old one counts as retired: a kill in between leaves both, and the next start goes on. A retired key stays for a
//! day: a backup copies the database first and the files after it, and would lack the key of what it has.

use std::fmt;
use std::fs::{self, DirBuilder, File};
use std::io::{self, Read};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use age::secrecy::ExposeSecret;
use age::x25519::Identity;
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};
use tidegate_core::model::SecretVersion;
use tidegate_os::file::write_atomic;
use tidegate_store::{Store, StoreError};

const FOLDER: &str = "keys";
const FILE: &str = "secrets.age";
/// The largest file of keys, in bytes.
const LARGEST: u64 = 64 << 10;
/// Characters of a public key that name it.
const ID: usize = 16;
/// Bytes of a fingerprint.
const FINGERPRINT: usize = 6;
/// How long a retired key is kept, in milliseconds.
const KEPT_MS: u64 = 24 * 3_600 * 1_000;
/// The most keys at once: a newer one is refused until the oldest are a day old.
const MOST: usize = 50;
/// Begins a line with a key that encrypts nothing any more: then since when, and the key.
const RETIRED: &str = "retired";

/// The keys, the newest first. Nothing of them is ever shown.
pub struct Vault {
    file: PathBuf,
    keys: Mutex<Vec<Key>>,
}

struct Key {
    identity: Identity,
    id: String,
    fingerprints: hmac::Key,
    /// Since when it encrypts nothing any more: milliseconds since the Unix epoch.
    retired: Option<u64>,
}

/// A value as it is kept.
pub(crate) struct SealedValue {
    /// Encrypted, in base64.
    pub(crate) sealed: String,
    /// See [`SecretVersion::fingerprint`].
    pub(crate) fingerprint: String,
    /// See [`SecretVersion::key`].
    pub(crate) key: String,
}

/// Why keys cannot be used. It tells no value.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// The file.
    #[error("the file of keys {0}: {1}")]
    File(PathBuf, io::Error),
    /// A value that none of the keys opens.
    #[error("the secret {0} cannot be opened with the keys of this data directory")]
    Sealed(String),
    /// Too many keys were made within a day.
    #[error("the key was changed {MOST} times within a day")]
    Many,
    /// Encrypting failed.
    #[error("a secret could not be encrypted")]
    Encrypt,
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Vault {
    /// The keys of a data directory.
    ///
    /// # Errors
    /// Where the file is not there or cannot be read, has no key, or can be read by others.
    pub fn open(data: &Path) -> Result<Vault, VaultError> {
        let file = data.join(FOLDER).join(FILE);
        let keys = read(&file).map_err(|error| VaultError::File(file.clone(), error))?;
        Ok(Vault { file, keys: Mutex::new(keys) })
    }

    /// The keys of a data directory that has no secrets yet: where there is none, one is made.
    ///
    /// # Errors
    /// As for [`Vault::open`], and where the file cannot be written.
    pub fn open_or_make(data: &Path) -> Result<Vault, VaultError> {
        let folder = data.join(FOLDER);
        let file = folder.join(FILE);
        let failed = |error| VaultError::File(file.clone(), error);
        DirBuilder::new().recursive(true).mode(0o700).create(&folder).map_err(failed)?;
        match read(&file) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let keys = vec![Key::made()];
                write(&file, &keys).map_err(failed)?;
                Ok(Vault { file, keys: Mutex::new(keys) })
            }
            found => Ok(Vault { keys: Mutex::new(found.map_err(failed)?), file }),
        }
    }

    fn keys(&self) -> MutexGuard<'_, Vec<Key>> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A value, encrypted with the newest key.
    pub(crate) fn seal(&self, value: &str) -> Result<SealedValue, VaultError> {
        let keys = self.keys();
        keys.first().ok_or(VaultError::Encrypt)?.seal(value)
    }

    /// The value of a version.
    pub(crate) fn value(&self, version: &SecretVersion) -> Result<String, VaultError> {
        value_by(&self.keys(), version)
    }

    /// Makes a new key and encrypts everything with it; the beginning of its public key, and how many values there were.
    ///
    /// # Errors
    /// The old key stays as long as anything is left that needs it.
    pub fn rotate(&self, store: &mut Store, now_unix_ms: u64) -> Result<(String, usize), VaultError> {
        self.settle(store, now_unix_ms)?;
        let id = {
            let mut keys = self.keys();
            if keys.len() >= MOST {
                return Err(VaultError::Many);
            }
            let made = Key::made();
            let both: Vec<&Key> = std::iter::once(&made).chain(keys.iter()).collect();
            write_all(&self.file, &both).map_err(|error| VaultError::File(self.file.clone(), error))?;
            let id = made.id.clone();
            keys.insert(0, made);
            id
        };
        Ok((id, self.settle(store, now_unix_ms)?))
    }

    /// Goes on with a change of the key that was cut off, and forgets keys that were retired a day ago; how many values were encrypted
    /// anew.
    ///
    /// # Errors
    /// As for [`Vault::rotate`].
    pub fn settle(&self, store: &mut Store, now_unix_ms: u64) -> Result<usize, VaultError> {
        let mut keys = self.keys();
        if keys.len() < 2 {
            return Ok(0);
        }
        let newest = keys[0].id.clone();
        let mut anew = Vec::new();
        for version in store.secret_versions()? {
            if version.is_removal() || version.key == newest {
                continue;
            }
            let SealedValue { sealed, fingerprint, key } = keys[0].seal(&value_by(&keys, &version)?)?;
            anew.push(SecretVersion { sealed, fingerprint, key, ..version });
        }
        store.transaction(|tx| anew.iter().try_for_each(|version| tx.put_secret_version(version)))?;
        keys.iter_mut().skip(1).for_each(|key| key.retired = key.retired.or(Some(now_unix_ms)));
        keys.retain(|key| key.retired.is_none_or(|since| now_unix_ms < since.saturating_add(KEPT_MS)));
        write(&self.file, &keys).map_err(|error| VaultError::File(self.file.clone(), error))?;
        Ok(anew.len())
    }
}

impl Key {
    fn made() -> Key {
        Key::of(Identity::generate())
    }

    fn of(identity: Identity) -> Key {
        let id = identity.to_public().to_string().chars().take(ID).collect();
        let mut digest = Sha256::new();
        digest.update(b"tidegate fingerprints of secrets\0");
        digest.update(identity.to_string().expose_secret().as_bytes());
        let fingerprints = hmac::Key::new(hmac::HMAC_SHA256, &digest.finalize());
        Key { identity, id, fingerprints, retired: None }
    }

    /// From its line in the file.
    fn read(line: &str) -> Option<Key> {
        let Some(rest) = line.strip_prefix(RETIRED) else { return Some(Key::of(line.parse().ok()?)) };
        let (since, key) = rest.trim().split_once(' ')?;
        Some(Key { retired: Some(since.parse().ok()?), ..Key::of(key.trim().parse().ok()?) })
    }

    fn line(&self) -> String {
        let key = self.identity.to_string();
        match self.retired {
            Some(since) => format!("{RETIRED} {since} {}\n", key.expose_secret()),
            None => format!("{}\n", key.expose_secret()),
        }
    }

    fn seal(&self, value: &str) -> Result<SealedValue, VaultError> {
        let sealed = age::encrypt(&self.identity.to_public(), value.as_bytes());
        let sealed = STANDARD.encode(sealed.map_err(|_| VaultError::Encrypt)?);
        let tag = hmac::sign(&self.fingerprints, value.as_bytes());
        let fingerprint = tag.as_ref()[..FINGERPRINT].iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(SealedValue { sealed, fingerprint, key: self.id.clone() })
    }
}

fn value_by(keys: &[Key], version: &SecretVersion) -> Result<String, VaultError> {
    let closed = || VaultError::Sealed(format!("{} v{} of {}", version.name, version.version, version.app));
    let key = keys.iter().find(|key| key.id == version.key).ok_or_else(closed)?;
    let sealed = STANDARD.decode(&version.sealed).map_err(|_| closed())?;
    let value = age::decrypt(&key.identity, &sealed).map_err(|_| closed())?;
    String::from_utf8(value).map_err(|_| closed())
}

fn read(file: &Path) -> io::Result<Vec<Key>> {
    let meta = fs::metadata(file)?;
    if meta.permissions().mode() & 0o077 != 0 {
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, "others can read it: `chmod 600` it"));
    }
    let mut text = String::new();
    File::open(file)?.take(LARGEST).read_to_string(&mut text)?;
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let keys: Option<Vec<Key>> = lines.map(Key::read).collect();
    let none = || io::Error::new(io::ErrorKind::InvalidData, "it has no key, or one that cannot be read");
    keys.filter(|keys| keys.first().is_some_and(|first| first.retired.is_none())).ok_or_else(none)
}

fn write(file: &Path, keys: &[Key]) -> io::Result<()> {
    write_all(file, &keys.iter().collect::<Vec<_>>())
}

fn write_all(file: &Path, keys: &[&Key]) -> io::Result<()> {
    let lines = keys.iter().map(|key| key.line());
    let text =
        "# What opens the secrets of this data directory. Keep a copy apart from copies of the rest.\n";
    write_atomic(file, (text.to_owned() + &lines.collect::<String>()).as_bytes(), 0o600)
}

/// Nothing of what is in it.
impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Vault({})", self.file.display())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PREFIX: &str = "AGE-SECRET-KEY-1";

    fn version(vault: &Vault, name: &str, number: u32, value: &str) -> SecretVersion {
        let SealedValue { sealed, fingerprint, key } = vault.seal(value).unwrap();
        SecretVersion {
            app: "shop".parse().unwrap(),
            environment: None,
            name: name.parse().unwrap(),
            version: number,
            sealed,
            fingerprint,
            key,
            by: "ann".to_owned(),
            at_unix_ms: 0,
        }
    }

    #[test]
    fn values_are_opened_by_their_own_data_directory_alone() {
        let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let vault = Vault::open_or_make(one.path()).unwrap();
        let sealed = version(&vault, "db_url", 1, "postgres://ann:pw@db");
        assert!(!format!("{sealed:?}{}{vault:?}", sealed.sealed).contains("postgres"));
        let again = Vault::open_or_make(one.path()).unwrap();
        assert_eq!(again.value(&sealed).unwrap(), "postgres://ann:pw@db");
        let error = Vault::open_or_make(other.path()).unwrap().value(&sealed).unwrap_err().to_string();
        assert_eq!(
            error,
            "the secret db_url v1 of shop cannot be opened with the keys of this data directory"
        );
        let mode = fs::metadata(one.path().join("keys/secrets.age")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn equal_values_have_equal_fingerprints_that_say_nothing_elsewhere() {
        let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let [vault, stranger] = [&one, &other].map(|dir| Vault::open_or_make(dir.path()).unwrap());
        let of = |vault: &Vault, value: &str| vault.seal(value).unwrap().fingerprint;
        assert_eq!(of(&vault, "value-one"), of(&vault, "value-one"));
        assert_ne!(of(&vault, "value-one"), of(&vault, "value-two"));
        assert_ne!(of(&vault, "value-one"), of(&stranger, "value-one"));
    }

    #[test]
    fn a_file_that_others_can_read_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        drop(Vault::open_or_make(dir.path()).unwrap());
        let file = dir.path().join("keys/secrets.age");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(Vault::open(dir.path()).unwrap_err().to_string().contains("chmod 600"));
    }

    #[test]
    fn a_change_of_the_key_goes_on_wherever_it_was_cut_off() {
        let dir = tempfile::tempdir().unwrap();
        let mut store = Store::in_memory().unwrap();
        assert!(Vault::open(dir.path()).is_err(), "none is made where secrets may be there");
        let vault = Vault::open_or_make(dir.path()).unwrap();
        let put = |store: &mut Store, all: &[SecretVersion]| {
            store.transaction(|tx| all.iter().try_for_each(|one| tx.put_secret_version(one))).unwrap();
        };
        put(&mut store, &[version(&vault, "a", 1, "value-one"), version(&vault, "b", 1, "value-two")]);
        // Cut off right after the new key was written.
        {
            let keys = vault.keys();
            let made = Key::made();
            write_all(&vault.file, &[&made, &keys[0]]).unwrap();
        }
        let old = fs::read_to_string(&vault.file).unwrap();
        let next = Vault::open(dir.path()).unwrap();
        // Cut off in between: one of them is encrypted with the new key already.
        put(&mut store, &[version(&next, "a", 1, "value-one")]);
        assert_eq!(next.settle(&mut store, 5).unwrap(), 1);
        let copied = store.secret_versions().unwrap();
        let (id, count) = next.rotate(&mut store, 6).unwrap();
        let keys_in = |text: &str| text.matches(PREFIX).count();
        let now = fs::read_to_string(&vault.file).unwrap();
        assert_eq!((count, keys_in(&old), keys_in(&now)), (2, 2, 3));
        let backup = Vault::open(dir.path()).unwrap();
        assert_eq!(backup.value(&copied[0]).unwrap(), "value-one", "a copy from before the change opens");
        assert_eq!(backup.settle(&mut store, 6 + KEPT_MS).unwrap(), 0);
        assert_eq!(keys_in(&fs::read_to_string(&vault.file).unwrap()), 1, "a day later");
        let last = Vault::open(dir.path()).unwrap();
        let all = store.secret_versions().unwrap();
        let values: Vec<String> = all.iter().map(|one| last.value(one).unwrap()).collect();
        assert_eq!(values, ["value-one", "value-two"]);
        assert!(all.iter().all(|one| one.key == id) && vault.value(&all[0]).is_err());
    }
}
