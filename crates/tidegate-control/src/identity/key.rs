//! The key that digests of tokens, sessions and codes are made with: in a file of its own, so that a copy of the database alone
//! neither lets anybody in nor lets anybody make up a row that does.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use aws_lc_rs::{hmac, rand};

use super::text::SecretText;

/// The file in the data directory.
const FILE: &str = "identity-key";
const BYTES: usize = 32;

/// See the module. Its `Debug` output does not show it.
#[derive(Clone)]
pub struct IdentityKey(hmac::Key);

impl fmt::Debug for IdentityKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IdentityKey(…)")
    }
}

impl IdentityKey {
    /// The key of a data directory, made where there is none. A file that others can read is made private again.
    ///
    /// # Errors
    /// Whatever the file system says; `InvalidData` where the file holds something else.
    pub fn of(data: &Path) -> io::Result<Self> {
        let path = data.join(FILE);
        let key = match File::open(&path) {
            Ok(file) => read(file, &path)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => create(&path)?,
            Err(error) => return Err(error),
        };
        Ok(IdentityKey(hmac::Key::new(hmac::HMAC_SHA256, &key)))
    }

    /// The digest under which a text is kept, in hex.
    pub(super) fn digest(&self, text: &str) -> String {
        self.hex(&["text", text])
    }

    /// The same of one that was just made.
    pub(super) fn digest_of(&self, text: &SecretText) -> String {
        self.digest(text.reveal())
    }

    /// What a page of a session sends with what changes something; from a session's text.
    pub(super) fn csrf(&self, session: &str) -> String {
        self.hex(&["csrf", session])
    }

    /// By which the key is known again.
    pub(super) fn fingerprint(&self) -> String {
        self.hex(&["fingerprint"])
    }

    fn hex(&self, parts: &[&str]) -> String {
        let tag = hmac::sign(&self.0, parts.join(" of ").as_bytes());
        tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

fn read(file: File, path: &Path) -> io::Result<[u8; BYTES]> {
    let mut key = Vec::new();
    file.take(BYTES as u64 + 1).read_to_end(&mut key)?;
    let key = key.try_into().map_err(|_| {
        let message = format!("{} holds no key of {BYTES} bytes: restore it from a backup", path.display());
        io::Error::new(io::ErrorKind::InvalidData, message)
    })?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
    Ok(key)
}

fn create(path: &Path) -> io::Result<[u8; BYTES]> {
    let mut key = [0; BYTES];
    rand::fill(&mut key).map_err(|_| io::Error::other("the machine has no randomness"))?;
    tidegate_os::file::write_atomic(path, &key, 0o600)?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_stays_is_private_and_makes_other_digests_than_another() {
        let [one, two] = [(); 2].map(|()| tempfile::tempdir().unwrap());
        let key = IdentityKey::of(one.path()).unwrap();
        let path = one.path().join(FILE);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        let again = IdentityKey::of(one.path()).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(key.digest("a"), again.digest("a"));
        assert_eq!(key.fingerprint(), again.fingerprint());
        assert_ne!(key.digest("a"), key.csrf("a"));
        assert_ne!(key.digest("a"), IdentityKey::of(two.path()).unwrap().digest("a"));
    }

    #[test]
    fn a_file_that_holds_no_key_is_refused_and_kept() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(FILE), "hello").unwrap();
        assert_eq!(IdentityKey::of(folder.path()).unwrap_err().kind(), io::ErrorKind::InvalidData);
        assert_eq!(fs::read_to_string(folder.path().join(FILE)).unwrap(), "hello");
    }
}
