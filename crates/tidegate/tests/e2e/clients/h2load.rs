//! h2load: many requests at a time over one connection each, by TLS and without.

use std::fs;
use std::process::Command;
use std::time::Duration;

use tidegate_core::model::Protocol;

use super::python::Program;
use super::stage::{HOST, Stage};

/// Runs it against a URL and fails the test where anything but successes came back.
fn load(stage: &Stage, scheme: &str, path: &str, many: u32) {
    let address = if scheme == "https" { stage.tls } else { stage.plain };
    let output = Command::new("h2load")
        .args(["-n", &many.to_string(), "-c", "10", "-m", "20", &format!("--connect-to={address}")])
        .arg(format!("{scheme}://{HOST}{path}"))
        .output()
        .expect("h2load is installed by ./test");
    let said = String::from_utf8_lossy(&output.stdout);
    let all = format!(
        "{many} total, {many} started, {many} done, {many} succeeded, 0 failed, 0 errored, 0 timeout"
    );
    assert!(said.contains(&all), "{scheme}: {said}\n{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains(&format!("{many} 2xx, 0 3xx, 0 4xx, 0 5xx")), "{said}");
    let protocol =
        if scheme == "https" { "Application protocol: h2\n" } else { "Application protocol: h2c\n" };
    assert!(said.contains(protocol), "{said}");
}

#[test]
fn files_over_http2_without_an_error() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("page.html"), "x".repeat(20_000)).unwrap();
    let mut stage = Stage::new(Protocol::Http1, Duration::from_secs(10));
    stage.serve_files(folder.path());
    load(&stage, "https", "/page.html", 3_000);
    load(&stage, "http", "/page.html", 3_000);
}

#[test]
fn an_app_over_http2_without_an_error() {
    let (_app, address) = Program::serve("http_app.py", &[]);
    let stage = Stage::before(Protocol::Http1, address);
    load(&stage, "https", "/", 1_000);
    load(&stage, "http", "/", 1_000);
}
