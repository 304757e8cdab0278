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
