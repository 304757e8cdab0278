//! The key behind buckets: made once, kept in the gateway's directory, the same for every worker and after a restart. A
//! new key would send every client to another arm.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use aws_lc_rs::{hmac, rand};

/// Its file in the gateway's directory.
const FILE: &str = "bucket.key";
const LENGTH: usize = 32;

/// Why there is none.
#[derive(Debug, thiserror::Error)]
#[error("{path} cannot be used as the key of sticky clients: {source}")]
pub(crate) struct SecretError {
    /// The file.
    pub(crate) path: PathBuf,
    /// Why.
    pub(crate) source: io::Error,
}

/// The key. Nothing prints it.
#[derive(Clone)]
pub(crate) struct Secret([u8; LENGTH]);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

impl Secret {
    /// Reads the key of a gateway's directory, or makes it where there is none. The caller holds the directory's lock.
    pub(crate) fn load_or_make(dir: &Path) -> Result<Secret, SecretError> {
        let path = dir.join(FILE);
        let loaded = match File::open(&path) {
            Ok(file) => read(file),
            Err(error) if error.kind() == io::ErrorKind::NotFound => make(&path),
            Err(error) => Err(error),
        };
        loaded.map_err(|source| SecretError { path, source })
    }

    /// A key for one purpose and upstream; it tells nothing of this one.
    pub(crate) fn derive(&self, purpose: &str, upstream: &str) -> [u8; LENGTH] {
        let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, &self.0));
        context.update(purpose.as_bytes());
        context.update(&[0]);
        context.update(upstream.as_bytes());
        let mut derived = [0; LENGTH];
        derived.copy_from_slice(context.sign().as_ref());
        derived
    }

    /// A key that nobody keeps: for tests, and for looking a table over.
    pub(crate) fn of(bytes: [u8; LENGTH]) -> Secret {
        Secret(bytes)
    }
}

/// A file of another length is somebody else's: it is refused, not overwritten.
fn read(file: File) -> io::Result<Secret> {
    let mut bytes = Vec::with_capacity(LENGTH + 1);
    file.take(LENGTH as u64 + 1).read_to_end(&mut bytes)?;
    let key = bytes.try_into().map_err(|_| io::Error::other(format!("it does not have {LENGTH} bytes")))?;
    Ok(Secret(key))
}

fn make(path: &Path) -> io::Result<Secret> {
    let mut key = [0; LENGTH];
    rand::fill(&mut key).map_err(|_| io::Error::other("the machine gives no random bytes"))?;
    tidegate_os::file::write_atomic(path, &key, 0o600)?;
    Ok(Secret(key))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn the_key_is_made_once_and_only_its_owner_may_read_it() {
        let dir = tempfile::tempdir().unwrap();
        let made = Secret::load_or_make(dir.path()).unwrap();
        let again = Secret::load_or_make(dir.path()).unwrap();
        assert_eq!(made.0, again.0);
        let mode = fs::metadata(dir.path().join(FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let elsewhere = tempfile::tempdir().unwrap();
        assert_ne!(Secret::load_or_make(elsewhere.path()).unwrap().0, made.0);
    }

    #[test]
    fn a_file_that_is_no_key_is_refused_by_name_and_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(FILE), "short").unwrap();
        let error = Secret::load_or_make(dir.path()).unwrap_err();
        assert!(error.path.ends_with(FILE));
        assert_eq!(fs::read(dir.path().join(FILE)).unwrap(), b"short");
    }

    #[test]
    fn purposes_and_upstreams_have_keys_of_their_own() {
        let secret = Secret::of([1; 32]);
        assert_ne!(secret.derive("a", "x"), secret.derive("b", "x"));
        assert_ne!(secret.derive("a", "x"), secret.derive("a", "y"));
        assert!(!format!("{secret:?}").contains('1'));
    }
}
