//! Who made a certificate, as a word beside it. What somebody else put there is never overwritten.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use tidegate_os::file::write_atomic;

use super::folder::{self, CERT, KEY};

const FILE: &str = "origin";

/// See the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Somebody put the files there.
    Files,
    /// The local authority for development.
    Dev,
    /// An authority that speaks ACME.
    Acme,
}

impl Origin {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Origin::Files => "files",
            Origin::Dev => "dev",
            Origin::Acme => "acme",
        }
    }

    /// Of the pair in a folder.
    pub(crate) fn of(folder: &Path) -> Origin {
        match fs::read_to_string(folder.join(FILE)).as_deref().map(str::trim) {
            Ok("dev") => Origin::Dev,
            Ok("acme") => Origin::Acme,
            Ok(_) | Err(_) => Origin::Files,
        }
    }

    /// Whether a pair may be put in a folder: there is none, not even half of one, or it is one that was made for the
    /// gateway.
    pub(crate) fn may_put(folder: &Path) -> bool {
        Origin::of(folder) != Origin::Files || [CERT, KEY].iter().all(|name| !is_there(&folder.join(name)))
    }

    /// Puts a pair of this origin where the gateway finds it. The certificate comes last: a key without its certificate
    /// is not used.
    pub(crate) fn put(self, certs: &Path, host: &str, cert: &str, key: &str) -> io::Result<()> {
        let folder = folder::of(certs, host);
        DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
        write_atomic(&folder.join(FILE), self.as_str().as_bytes(), 0o600)?;
        write_atomic(&folder.join(KEY), key.as_bytes(), 0o600)?;
        write_atomic(&folder.join(CERT), cert.as_bytes(), 0o644)
    }
}

/// Whatever cannot be looked at may be there.
fn is_there(file: &Path) -> bool {
    !matches!(fs::symlink_metadata(file), Err(error) if error.kind() == io::ErrorKind::NotFound)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_a_pair_of_somebody_else_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("a.test");
        assert!(Origin::may_put(&folder));
        for half in [CERT, KEY] {
            fs::create_dir(&folder).unwrap();
            assert!(Origin::may_put(&folder), "an empty folder");
            std::os::unix::fs::symlink("nowhere", folder.join(half)).unwrap();
            assert!(!Origin::may_put(&folder), "{half}");
            fs::write(folder.join(FILE), "acme\n").unwrap();
            assert!(Origin::may_put(&folder), "{half} of our own");
            fs::remove_dir_all(&folder).unwrap();
        }
    }
}
