//! Anybody can encrypt for a public key: what is in a backup may mean ill.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use age::x25519;
use tar::{Builder, EntryType, Header};
use tidegate_backup::{BackupError, FORMAT, Unlock, restore};

const MARKER: &str = "data/tidegate.json";

struct Forge {
    dir: tempfile::TempDir,
    key: x25519::Identity,
}

type Tar = Builder<Vec<u8>>;

impl Forge {
    fn new() -> Forge {
        Forge { dir: tempfile::tempdir().unwrap(), key: x25519::Identity::generate() }
    }

    fn to(&self) -> PathBuf {
        self.dir.path().join("restored")
    }

    /// What comes of bringing it back.
    fn restored(&self, format: u32, fill: impl FnOnce(&mut Tar)) -> BackupError {
        let mut tar = Builder::new(Vec::new());
        let preface = format!(
            r#"{{"format":{format},"tidegate":"9.9.9","schema":1,"made_unix_ms":1,"data":"/var/lib/tidegate"}}"#
        );
        put(&mut tar, "tidegate-backup.json", EntryType::Regular, preface.as_bytes());
        fill(&mut tar);
        let tar = tar.into_inner().unwrap();
        let path = self.dir.path().join("forged.backup");
        let public = self.key.to_public();
        let sealed =
            age::Encryptor::with_recipients(std::iter::once(&public as &dyn age::Recipient)).unwrap();
        let mut out = sealed.wrap_output(File::create(&path).unwrap()).unwrap();
        out.write_all(&zstd::encode_all(&tar[..], 1).unwrap()).unwrap();
        out.finish().unwrap();
        let unlock = Unlock::Identities(vec![self.key.clone()]);
        let refused = restore(&path, &self.to(), &unlock, 1).unwrap_err();
        assert!(!self.to().exists(), "something was put in place");
        assert!(!self.dir.path().join(".restored.restoring").exists(), "something was left");
        refused
    }
}

/// As no well-meaning library would write it: the name is put into the header as it is.
fn put(tar: &mut Tar, name: &str, kind: EntryType, content: &[u8]) {
    let mut header = Header::new_gnu();
    header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
    header.set_entry_type(kind);
    header.set_mode(0o4777);
    header.set_mtime(0);
    header.set_size(content.len() as u64);
    header.set_cksum();
    tar.append(&header, content).unwrap();
}

fn link(tar: &mut Tar, name: &str, kind: EntryType, target: &str) {
    let mut header = Header::new_gnu();
    header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
    header.as_old_mut().linkname[..target.len()].copy_from_slice(target.as_bytes());
    header.set_entry_type(kind);
    header.set_mode(0o777);
    header.set_mtime(0);
    header.set_size(0);
    header.set_cksum();
    tar.append(&header, &[][..]).unwrap();
}

fn folder(tar: &mut Tar, name: &str) {
    put(tar, name, EntryType::Directory, b"");
}

#[test]
fn nothing_leads_out_of_the_data_directory() {
    let outside = tempfile::tempdir().unwrap();
    let target = outside.path().join("passwd");
    let forge = Forge::new();
    let absolute = target.to_str().unwrap().to_owned();
    for name in [
        "data/../../evil",
        "../evil",
        "data/a/../../../evil",
        absolute.as_str(),
        "data//etc",
        "evil",
        "data/",
    ] {
        let refused = forge.restored(FORMAT, |tar| put(tar, name, EntryType::Regular, b"evil"));
        assert!(matches!(&refused, BackupError::Damaged { member: Some(_), .. }), "{name}: {refused}");
    }
    // A link first, then something behind it.
    let refused = forge.restored(FORMAT, |tar| {
        folder(tar, "data/builds");
        link(tar, "data/builds/x", EntryType::Symlink, outside.path().to_str().unwrap());
        put(tar, "data/builds/x/passwd", EntryType::Regular, b"evil");
    });
    assert!(refused.to_string().contains("builds/x/passwd"), "{refused}");
    let refused = forge.restored(FORMAT, |tar| {
        folder(tar, "data/builds");
        link(tar, "data/builds/x", EntryType::Symlink, outside.path().to_str().unwrap());
        folder(tar, "data/builds/x");
    });
    assert!(refused.to_string().contains("twice"), "{refused}");
    let refused = forge.restored(FORMAT, |tar| link(tar, "data/token", EntryType::Symlink, "/etc/shadow"));
    assert!(refused.to_string().contains("where Tidegate has none"), "{refused}");
    assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 0);
}

#[test]
fn what_is_neither_file_folder_nor_link_is_refused() {
    let forge = Forge::new();
    for kind in [EntryType::Link, EntryType::Char, EntryType::Block, EntryType::Fifo] {
        let refused = forge.restored(FORMAT, |tar| link(tar, "data/x", kind, "data/y"));
        assert!(refused.to_string().contains("neither file, folder nor link"), "{kind:?}: {refused}");
    }
}

#[test]
fn a_size_beyond_all_measure_is_refused_before_anything_is_written() {
    let forge = Forge::new();
    let refused = forge.restored(FORMAT, |tar| {
        let mut header = Header::new_gnu();
        header.as_old_mut().name[..6].copy_from_slice(b"data/x");
        header.set_size(1 << 50);
        header.set_mode(0o600);
        header.set_mtime(0);
        header.set_cksum();
        tar.get_mut().extend_from_slice(header.as_bytes());
    });
    assert!(refused.to_string().contains("larger than"), "{refused}");
}

#[test]
fn what_its_manifest_does_not_say_is_refused_by_name() {
    let forge = Forge::new();
    let manifest = |tar: &mut Tar, text: &str| put(tar, "manifest.json", EntryType::Regular, text.as_bytes());
    let marker = |tar: &mut Tar| put(tar, MARKER, EntryType::Regular, b"{}");
    let without = forge.restored(FORMAT, marker);
    assert!(without.to_string().contains("a part is missing"), "{without}");
    for (text, words) in [
        (r#"{"members":{},"absent":[]}"#, "tidegate.json`: its manifest does not know it"),
        (r#"{"members":{"tidegate.json":{"file":[2,"00"]}},"absent":[]}"#, "tidegate.json`: it is not what"),
        (r#"{"members":{"token":"folder"},"absent":[]}"#, "token`: it is missing"),
        ("[]", "cannot be understood"),
    ] {
        let refused = forge.restored(FORMAT, |tar| {
            marker(tar);
            manifest(tar, text);
        });
        assert!(refused.to_string().contains(words), "{text}: {refused}");
    }
    // Whole, and not a data directory.
    let empty = forge.restored(FORMAT, |tar| manifest(tar, r#"{"members":{},"absent":[]}"#));
    assert!(empty.to_string().contains("tidegate.json"), "{empty}");
}

#[test]
fn a_newer_format_is_refused_and_so_is_what_is_no_backup() {
    let forge = Forge::new();
    let newer = forge.restored(FORMAT + 1, |_| {});
    assert!(matches!(&newer, BackupError::TooNew { by, .. } if by == "9.9.9"), "{newer}");
    assert!(newer.help().contains("that version"));
    let photo = forge.dir.path().join("photo.jpg");
    fs::write(&photo, "not a backup at all, and long enough to be one").unwrap();
    let unlock = Unlock::Identities(vec![forge.key.clone()]);
    let refused = tidegate_backup::verify(&photo, &unlock).unwrap_err();
    assert!(refused.to_string().contains("is no backup"), "{refused}");
    assert!(tidegate_backup::verify(Path::new("/no/such/file"), &unlock).is_err());
}
