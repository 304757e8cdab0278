//! Who may push and fetch over HTTP: a token for each app, made from one key, so that none has to be kept and one that gets out
//! opens one repository.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::{hmac, rand};
use tidegate_core::model::Name;

const BYTES: usize = 32;
/// The length of a token in bytes; twice as many hex digits.
const TOKEN_BYTES: usize = 20;

/// The key. Its `Debug` output does not show it.
#[derive(Clone)]
pub struct AccessKey(hmac::Key);

impl fmt::Debug for AccessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccessKey(…)")
    }
}

impl AccessKey {
    /// The key in a file, made where there is none.
    pub(super) fn in_file(path: &Path) -> io::Result<Self> {
        let key = match File::open(path) {
            Ok(file) => read(file, path)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => create(path)?,
            Err(error) => return Err(error),
        };
        Ok(AccessKey(hmac::Key::new(hmac::HMAC_SHA256, &key)))
    }

    /// The token that opens an app's repository.
    pub fn token(&self, app: &Name) -> String {
        self.bytes(app).iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Whether a text is that token. The time it takes tells nothing about where they differ.
    pub fn opens(&self, app: &Name, token: &str) -> bool {
        verify_slices_are_equal(self.token(app).as_bytes(), token.as_bytes()).is_ok()
    }

    fn bytes(&self, app: &Name) -> [u8; TOKEN_BYTES] {
        let tag = hmac::sign(&self.0, format!("git of {app}").as_bytes());
        let mut bytes = [0; TOKEN_BYTES];
        bytes.copy_from_slice(&tag.as_ref()[..TOKEN_BYTES]);
        bytes
    }
}

fn read(file: File, path: &Path) -> io::Result<[u8; BYTES]> {
    let mut key = Vec::new();
    file.take(BYTES as u64 + 1).read_to_end(&mut key)?;
    key.try_into().map_err(|_| {
        let message = format!("{} holds no key of {BYTES} bytes", path.display());
        io::Error::new(io::ErrorKind::InvalidData, message)
    })
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
    fn each_app_has_a_token_that_stays_and_opens_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        let (shop, blog) = ("shop".parse().unwrap(), "blog".parse().unwrap());
        let token = AccessKey::in_file(&path).unwrap().token(&shop);
        let again = AccessKey::in_file(&path).unwrap();
        assert!(again.opens(&shop, &token));
        assert!(!again.opens(&blog, &token));
        assert!(!again.opens(&shop, ""));
        assert!(!again.opens(&shop, &token[1..]));
        assert_eq!(token.len(), 2 * TOKEN_BYTES);
    }

    #[test]
    fn a_file_that_holds_no_key_is_refused_and_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        std::fs::write(&path, "hello").unwrap();
        let error = AccessKey::in_file(&path).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "hello");
    }
}
