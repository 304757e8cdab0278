//! How far the log had come, in a file of its own: with a code that only who has the key can make.
//!
//! `audit.head` holds the anchor and an HMAC-SHA256 of it; the key is in `audit.key`, neither is in the database. A copy of the database
//! that was cut does not fit the file, and who can write the file without reading the key cannot make it fit.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use aws_lc_rs::hmac;
use serde::{Deserialize, Serialize};
use tidegate_core::audit::Anchor;
use tidegate_os::file::write_atomic;

use crate::key_file::hmac_key;

/// The file in the data directory.
pub const FILE: &str = "audit.head";
/// The key's file.
pub const KEY_FILE: &str = "audit.key";
/// The longest file that is read.
const LONGEST: u64 = 4_096;

/// Writes and reads the file. The key is never shown.
pub struct Seal {
    key: hmac::Key,
    path: PathBuf,
}

#[derive(Serialize, Deserialize)]
struct Sealed {
    anchor: Anchor,
    mac: String,
}

impl Seal {
    /// That of a data directory; the key is made where there is none.
    ///
    /// # Errors
    /// The file system's; `InvalidData` where the key's file holds something else.
    pub fn of(data: &Path) -> io::Result<Self> {
        Ok(Seal { key: hmac_key(&data.join(KEY_FILE))?, path: data.join(FILE) })
    }

    /// What is sealed; `None`: there is no file.
    ///
    /// # Errors
    /// The file system's; `InvalidData` where it is not what was written with this key.
    pub fn read(&self) -> io::Result<Option<Anchor>> {
        let file = match File::open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut text = String::new();
        file.take(LONGEST).read_to_string(&mut text)?;
        let forged = || io::Error::new(io::ErrorKind::InvalidData, "it is not what was sealed");
        let Sealed { anchor, mac } = serde_json::from_str(&text).map_err(|_| forged())?;
        let mac = bytes_of(&mac).ok_or_else(forged)?;
        hmac::verify(&self.key, &said(&anchor), &mac).map_err(|_| forged())?;
        Ok(Some(anchor))
    }

    /// Seals an anchor in place of the one before. It is on the disk when this returns.
    ///
    /// # Errors
    /// The file system's.
    pub fn write(&self, anchor: &Anchor) -> io::Result<()> {
        let mac = hmac::sign(&self.key, &said(anchor));
        let mac = mac.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        let text =
            serde_json::to_string(&Sealed { anchor: anchor.clone(), mac }).map_err(io::Error::other)?;
        write_atomic(&self.path, format!("{text}\n").as_bytes(), 0o600)
    }
}

impl std::fmt::Debug for Seal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Seal(…)")
    }
}

/// What is sealed of an anchor: its parts, one a line. None of them has a line end: the id is hex.
fn said(anchor: &Anchor) -> Vec<u8> {
    let Anchor { installation, seq, hash, at_ms } = anchor;
    format!("tidegate audit head 1\n{installation}\n{seq}\n{hash}\n{at_ms}\n").into_bytes()
}

fn bytes_of(hex: &str) -> Option<Vec<u8>> {
    if hex.len() != 64 || !hex.is_ascii() {
        return None;
    }
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).ok()).collect()
}
