//! Who made a certificate, as a word beside it, with digests of what was made. What somebody else puts there, be it over a
//! pair of ours, is never overwritten. A pair is replaced with its folder, at one moment: whoever reads finds either.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use aws_lc_rs::digest;
use tidegate_os::file::{exchange, write_atomic};

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

    /// Of the pair in a folder: [`Origin::Files`] where any of it is not as it was made.
    pub(crate) fn of(folder: &Path) -> Origin {
        let said = fs::read_to_string(folder.join(FILE)).unwrap_or_default();
        let mut lines = said.lines().map(str::trim);
        let origin = match lines.next() {
            Some("dev") => Origin::Dev,
            Some("acme") => Origin::Acme,
            _ => return Origin::Files,
        };
        let made: Vec<&str> = lines.collect();
        // Before digests were kept the word stood alone.
        let as_made = |name: &&str| match fs::read(folder.join(name)) {
            Ok(content) => made.is_empty() || made.contains(&line(name, &content).as_str()),
            Err(error) => error.kind() == io::ErrorKind::NotFound,
        };
        if [CERT, KEY].iter().all(as_made) { origin } else { Origin::Files }
    }

    /// Whether a pair may be put in a folder: there is none, not even half of one, or it is one that was made for the
    /// gateway.
    pub(crate) fn may_put(folder: &Path) -> bool {
        Origin::of(folder) != Origin::Files || [CERT, KEY].iter().all(|name| !is_there(&folder.join(name)))
    }

    /// Puts a pair of this origin where the gateway finds it. Whatever else lies in its folder stays there.
    pub(crate) fn put(self, certs: &Path, host: &str, cert: &str, key: &str) -> io::Result<()> {
        let folder = folder::of(certs, host);
        let next = folder::beside(&folder);
        clear(&next)?;
        DirBuilder::new().recursive(true).mode(0o700).create(&next)?;
        let said =
            format!("{}\n{}\n{}\n", self.as_str(), line(CERT, cert.as_bytes()), line(KEY, key.as_bytes()));
        write_atomic(&next.join(FILE), said.as_bytes(), 0o600)?;
        write_atomic(&next.join(KEY), key.as_bytes(), 0o600)?;
        write_atomic(&next.join(CERT), cert.as_bytes(), 0o644)?;
        take_place(&next, &folder)
    }
}

/// Gives a folder the place of another. What else was there goes with it.
fn take_place(next: &Path, folder: &Path) -> io::Result<()> {
    match exchange(next, folder) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => return fs::rename(next, folder),
        // One after the other, the certificate last.
        Err(error) if error.kind() == io::ErrorKind::Unsupported => {
            for name in [FILE, KEY, CERT] {
                fs::rename(next.join(name), folder.join(name))?;
            }
            return fs::remove_dir(next);
        }
        Err(error) => return Err(error),
    }
    for other in fs::read_dir(next)? {
        let other = other?;
        if ![FILE, KEY, CERT].iter().any(|name| other.file_name() == *name) {
            fs::rename(other.path(), folder.join(other.file_name()))?;
        }
    }
    clear(next)
}

/// Takes away what a put that was broken off has left.
fn clear(next: &Path) -> io::Result<()> {
    match fs::remove_dir_all(next) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        cleared => cleared,
    }
}

/// A file and its digest, as the origin has it.
fn line(name: &str, content: &[u8]) -> String {
    use std::fmt::Write;
    let digest = digest::digest(&digest::SHA256, content);
    digest.as_ref().iter().fold(format!("{name} sha256:"), |mut line, byte| {
        let _ = write!(line, "{byte:02x}");
        line
    })
}

/// Whatever cannot be looked at may be there.
fn is_there(file: &Path) -> bool {
    !matches!(fs::symlink_metadata(file), Err(error) if error.kind() == io::ErrorKind::NotFound)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn put(certs: &Path, what: &str) -> PathBuf {
        Origin::Acme.put(certs, "a.test", &format!("cert {what}"), &format!("key {what}")).unwrap();
        folder::of(certs, "a.test")
    }

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
            fs::remove_dir_all(&folder).unwrap();
        }
    }

    #[test]
    fn a_pair_of_ours_becomes_somebodys_as_soon_as_any_of_it_is_replaced() {
        let dir = tempfile::tempdir().unwrap();
        for half in [CERT, KEY] {
            let folder = put(dir.path(), "1");
            assert_eq!(Origin::of(&folder), Origin::Acme);
            fs::remove_file(folder.join(half)).unwrap();
            assert!(Origin::may_put(&folder), "half of ours");
            fs::write(folder.join(half), "somebody's").unwrap();
            assert!(Origin::of(&folder) == Origin::Files && !Origin::may_put(&folder), "{half}");
            fs::remove_dir_all(&folder).unwrap();
        }
    }

    #[test]
    fn a_word_without_digests_is_believed() {
        let dir = tempfile::tempdir().unwrap();
        let folder = put(dir.path(), "1");
        fs::write(folder.join(FILE), "acme").unwrap();
        assert_eq!(Origin::of(&folder), Origin::Acme);
    }

    #[test]
    fn a_pair_is_replaced_whole_and_what_lies_beside_it_stays() {
        let dir = tempfile::tempdir().unwrap();
        let folder = put(dir.path(), "1");
        fs::write(folder.join("notes"), "mine").unwrap();
        // A put that was broken off.
        fs::create_dir(folder::beside(&folder)).unwrap();
        fs::write(folder::beside(&folder).join(KEY), "half").unwrap();
        put(dir.path(), "2");
        assert_eq!(Origin::of(&folder), Origin::Acme);
        let read = |name: &str| fs::read_to_string(folder.join(name)).unwrap();
        assert_eq!((read(CERT), read(KEY), read("notes")), ("cert 2".into(), "key 2".into(), "mine".into()));
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
        assert_eq!(folder::host_of(folder::beside(&folder).file_name().unwrap().to_str().unwrap()), None);
    }
}
