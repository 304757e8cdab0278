//! curl over each version of HTTP: uploads with their sums, ranges, what is resumed, and bodies that wait to be asked for.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;
use tidegate_core::model::Protocol;

use super::python::Program;
use super::stage::{HOST, Stage};

const LARGE: usize = 50 << 20;

/// How a request goes to the gateway, and what curl calls that.
const WAYS: [(&str, &str, &[&str]); 4] = [
    ("http", "1.1", &["--http1.1"]),
    ("http", "2", &["--http2-prior-knowledge"]),
    ("https", "1.1", &["--http1.1"]),
    ("https", "2", &["--http2"]),
];

/// What curl printed on standard output, ended by the version and the status; and on standard error.
fn curl(stage: &Stage, scheme: &str, path: &str, args: &[&str]) -> (String, String) {
    let address = if scheme == "https" { stage.tls } else { stage.plain };
    let output = Command::new("curl")
        .args(["-sS", "--max-time", "60", "-w", " HTTP/%{http_version} %{http_code}", "--cacert"])
        .arg(stage.certificate())
        .args(["--connect-to", &format!("::{address}")])
        .args(args)
        .arg(format!("{scheme}://{HOST}{path}"))
        .output()
        .expect("curl is installed by ./test");
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    (text(output.stdout), text(output.stderr))
}

/// Bytes that differ everywhere, as a file; and their SHA-256 as `sha256sum` has it.
fn large_file(folder: &TempDir) -> (String, String) {
    let path = folder.path().join("large");
    let mut state = 1_u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33).to_le_bytes()
    };
    fs::write(&path, (0..LARGE / 8).flat_map(|_| next()).collect::<Vec<u8>>()).unwrap();
    let path = path.to_str().unwrap().to_owned();
    let output = Command::new("sha256sum").arg(&path).output().unwrap();
    let sum = String::from_utf8(output.stdout).unwrap();
    (path, sum[..64].to_owned())
}

#[test]
fn uploads_arrive_whole_over_each_version() {
    let folder = tempfile::tempdir().unwrap();
    let (file, sum) = large_file(&folder);
    let (_app, address) = Program::serve("http_app.py", &[]);
    let stage = Stage::before(Protocol::Http1, address);
    for (scheme, version, args) in WAYS {
        let (said, trouble) = curl(&stage, scheme, "/sum", &[args, &["-T", &file]].concat());
        assert_eq!(said, format!("{LARGE} {sum} HTTP/{version} 200"), "{scheme} {args:?}: {trouble}");
    }
    let chunked = ["--http1.1", "-T", &file, "-H", "transfer-encoding: chunked"];
    let (said, trouble) = curl(&stage, "http", "/sum", &chunked);
    assert_eq!(said, format!("{LARGE} {sum} HTTP/1.1 200"), "in chunks: {trouble}");
}

#[test]
fn a_body_waits_until_it_is_asked_for() {
    let (_app, address) = Program::serve("http_app.py", &[]);
    let stage = Stage::before(Protocol::Http1, address);
    let with = ["--http1.1", "-v", "-H", "expect: 100-continue", "--expect100-timeout", "30", "-d", "body"];
    let (said, heard) = curl(&stage, "http", "/sum", &with);
    let sum = "230d8358dc8e8890b4c58deeb62912ee2f20357ae92a5cc861b98e68fe31acb5";
    assert_eq!(said, format!("4 {sum} HTTP/1.1 200"), "{heard}");
    assert!(heard.contains("< HTTP/1.1 100 Continue"), "{heard}");
}

/// Refused by its head alone: the answer comes at once, though nothing of the body was sent.
#[test]
fn a_body_that_nobody_can_take_is_not_sent() {
    let stage = Stage::new(Protocol::Http1, Duration::from_secs(10));
    let with = ["--http1.1", "-H", "expect: 100-continue", "--expect100-timeout", "30", "-d", "body"];
    let quiet = ["-o", "/dev/null", "-w", "%{http_code} %{size_upload}"];
    let (said, heard) = curl(&stage, "http", "/sum", &[&with[..], &quiet].concat());
    assert_eq!(said, "404 0", "{heard}");
}

#[test]
fn parts_of_files_and_what_is_resumed() {
    let folder = tempfile::tempdir().unwrap();
    let (file, _) = large_file(&folder);
    let whole = fs::read(&file).unwrap();
    let mut stage = Stage::new(Protocol::Http1, Duration::from_secs(10));
    stage.serve_files(folder.path());
    let got = tempfile::tempdir().unwrap();
    let path = got.path().join("got");
    let to = path.to_str().unwrap();
    for (scheme, version, args) in WAYS {
        let (said, trouble) =
            curl(&stage, scheme, "/large", &[args, &["-r", "1000-1999", "-o", to]].concat());
        assert_eq!(said, format!(" HTTP/{version} 206"), "{trouble}");
        assert_eq!(fs::read(&path).unwrap(), whole[1000..2000]);

        fs::write(&path, &whole[..LARGE / 2 + 1]).unwrap();
        let (said, trouble) = curl(&stage, scheme, "/large", &[args, &["-C", "-", "-o", to]].concat());
        assert_eq!(said, format!(" HTTP/{version} 206"), "{trouble}");
        assert!(same(&path, &whole), "resumed by {scheme} {args:?}");
    }
}

/// Said in one word, not by 50 MiB of differences.
fn same(path: &Path, whole: &[u8]) -> bool {
    fs::read(path).unwrap() == whole
}
