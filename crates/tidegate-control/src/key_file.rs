//! Keys that are made once and kept in files of their own in the data directory, apart from the database.

use std::fs::{self, File, Permissions};
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use aws_lc_rs::{hmac, rand};
use tidegate_os::file::write_atomic;

/// The length of a key.
const BYTES: usize = 32;

/// The key for HMAC-SHA256 in a file, made where there is none: whole or not at all. A file that others can read is made private again.
///
/// # Errors
/// Whatever the file system says; `InvalidData` where the file holds something else, which is kept.
pub(crate) fn hmac_key(path: &Path) -> io::Result<hmac::Key> {
    let key = match File::open(path) {
        Ok(file) => read(file, path)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => make(path)?,
        Err(error) => return Err(error),
    };
    Ok(hmac::Key::new(hmac::HMAC_SHA256, &key))
}

fn read(file: File, path: &Path) -> io::Result<[u8; BYTES]> {
    let mut key = Vec::new();
    file.take(BYTES as u64 + 1).read_to_end(&mut key)?;
    let key = key.try_into().map_err(|_| {
        let message = format!("{} holds no key of {BYTES} bytes: restore it from a backup", path.display());
        io::Error::new(io::ErrorKind::InvalidData, message)
    })?;
    fs::set_permissions(path, Permissions::from_mode(0o600))?;
    Ok(key)
}

fn make(path: &Path) -> io::Result<[u8; BYTES]> {
    let mut key = [0; BYTES];
    rand::fill(&mut key).map_err(|_| io::Error::other("the machine has no randomness"))?;
    write_atomic(path, &key, 0o600)?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_stays_and_is_private() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        let mode = || fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        let said = |key: &hmac::Key| hmac::sign(key, b"a").as_ref().to_vec();
        let key = hmac_key(&path).unwrap();
        assert_eq!(mode(), 0o600);
        fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
        assert_eq!(said(&hmac_key(&path).unwrap()), said(&key));
        assert_eq!(mode(), 0o600);
        assert_ne!(said(&hmac_key(&folder.path().join("other")).unwrap()), said(&key));
    }

    #[test]
    fn a_file_that_holds_no_key_is_refused_and_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        for wrong in [&b""[..], b"hello", &[7; BYTES + 1]] {
            fs::write(&path, wrong).unwrap();
            let error = hmac_key(&path).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidData);
            assert!(error.to_string().contains("restore it from a backup"), "{error}");
            assert_eq!(fs::read(&path).unwrap(), wrong);
        }
    }
}
