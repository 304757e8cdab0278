//! Archives from an attacker: nothing is ever written outside the folder.

use std::fs;

use tidegate_control::snapshot::{Limits, UnpackError, unpack};

/// An archive of one entry, made byte by byte so that names no library would write can be in it.
fn archive(name: &str, kind: u8, link: &str, content: &[u8]) -> Vec<u8> {
    let mut header = [0_u8; 512];
    header[..name.len()].copy_from_slice(name.as_bytes());
    header[100..108].copy_from_slice(b"0000644\0");
    header[124..136].copy_from_slice(format!("{:011o}\0", content.len()).as_bytes());
    header[156] = kind;
    header[157..157 + link.len()].copy_from_slice(link.as_bytes());
    header[257..263].copy_from_slice(b"ustar\0");
    header[263..265].copy_from_slice(b"00");
    header[148..156].copy_from_slice(b"        ");
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    let mut bytes = header.to_vec();
    bytes.extend_from_slice(content);
    bytes.resize(bytes.len().next_multiple_of(512), 0);
    bytes
}

fn refused(archives: &[Vec<u8>]) -> UnpackError {
    let outer = tempfile::tempdir().unwrap();
    let inner = outer.path().join("inner");
    fs::create_dir(&inner).unwrap();
    let mut bytes = archives.concat();
    bytes.extend_from_slice(&[0; 1024]);
    let error = unpack(bytes.as_slice(), &inner, Limits::default()).unwrap_err();
    let outside: Vec<_> = fs::read_dir(outer.path()).unwrap().map(|item| item.unwrap().file_name()).collect();
    assert_eq!(outside, ["inner"], "something was written outside");
    error
}

#[test]
fn paths_that_lead_outside_are_refused() {
    for name in ["../evil", "a/../../evil", "/etc/tidegate-test-evil", "..", "a/.."] {
        let error = refused(&[archive(name, b'0', "", b"x")]);
        assert!(matches!(error, UnpackError::Unsafe { .. }), "{name}: {error}");
    }
    assert!(!std::path::Path::new("/etc/tidegate-test-evil").exists());
}

#[test]
fn links_that_lead_outside_are_refused() {
    for target in ["/etc/passwd", "../x", "a/../../x", ".."] {
        let error = refused(&[archive("link", b'2', target, b"")]);
        assert!(matches!(error, UnpackError::Unsafe { .. }), "{target}: {error}");
    }
}

#[test]
fn a_name_spelled_in_two_ways_is_one_name() {
    // `.` in front made the link look one level deeper than it is, and a file below it look like one below no link.
    let error = refused(&[archive("./out", b'2', "..", b"")]);
    assert!(matches!(error, UnpackError::Unsafe { .. }), "{error}");
    let link = archive("./a", b'2', "b", b"");
    let error = refused(&[archive("b/keep", b'0', "", b"1"), link, archive("a/file", b'0', "", b"2")]);
    assert!(matches!(error, UnpackError::Unsafe { .. }), "{error}");
    let error = refused(&[archive(".", b'0', "", b"1")]);
    assert!(matches!(error, UnpackError::Unsafe { .. } | UnpackError::Io(_)), "{error}");
}

#[test]
fn links_that_lead_outside_by_way_of_each_other_are_refused() {
    // Each is inside by its text; followed one after the other, the second is two levels above the folder.
    let up = archive("d/e/up", b'2', "../..", b"");
    let out = archive("tidegate.yaml", b'2', "d/e/up/../../secret", b"");
    let error = refused(&[archive("d/e/keep", b'0', "", b"1"), up, out]);
    assert!(matches!(error, UnpackError::Unsafe { .. }), "{error}");
}

#[test]
fn links_that_stay_inside_are_kept() {
    let dir = tempfile::tempdir().unwrap();
    let bytes = [
        archive("./lib/x/real", b'0', "", b"1"),
        archive("./lib/y/up", b'2', "../x/real", b""),
        archive("here", b'2', "./lib/y", b""),
    ];
    unpack(bytes.concat().as_slice(), dir.path(), Limits::default()).unwrap();
    assert_eq!(fs::read(dir.path().join("here/up")).unwrap(), b"1");
}

#[test]
fn nothing_is_written_through_a_link_of_the_same_archive() {
    let link = archive("a", b'2', "b", b"");
    for name in ["a/file", "a"] {
        let error =
            refused(&[archive("b/keep", b'0', "", b"1"), link.clone(), archive(name, b'0', "", b"2")]);
        assert!(matches!(error, UnpackError::Unsafe { .. } | UnpackError::Io(_)), "{name}: {error}");
    }
}

#[test]
fn devices_pipes_and_hard_links_are_refused() {
    for kind in [b'1', b'3', b'4', b'6'] {
        let error = refused(&[archive("odd", kind, "b", b"")]);
        assert!(matches!(error, UnpackError::Unsafe { .. }), "{}: {error}", char::from(kind));
    }
}

#[test]
fn a_file_is_never_written_twice() {
    let twice = [archive("a", b'0', "", b"1"), archive("a", b'0', "", b"2")];
    assert!(matches!(refused(&twice), UnpackError::Io(_)));
}

#[test]
fn limits_hold() {
    let dir = tempfile::tempdir().unwrap();
    let bytes = [archive("a", b'0', "", &[1; 600]), archive("b", b'0', "", &[1; 600])].concat();
    let few = unpack(bytes.as_slice(), dir.path(), Limits { files: 1, bytes: 10_000 }).unwrap_err();
    assert!(matches!(few, UnpackError::TooMuch(_)));
    let dir = tempfile::tempdir().unwrap();
    let small = unpack(bytes.as_slice(), dir.path(), Limits { files: 9, bytes: 1_000 }).unwrap_err();
    assert!(matches!(small, UnpackError::TooMuch(_)));
}

#[test]
fn a_torn_archive_is_an_error() {
    let whole = archive("a", b'0', "", &[1; 2_000]);
    let dir = tempfile::tempdir().unwrap();
    assert!(unpack(&whole[..1_000], dir.path(), Limits::default()).is_err());
}
