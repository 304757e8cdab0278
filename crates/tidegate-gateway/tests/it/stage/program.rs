//! Programs that others wrote, run against the gateway.

use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// What a program said, and whether it was content.
#[derive(Debug)]
pub struct Said {
    pub done: bool,
    pub out: String,
    pub err: String,
}

fn said(output: Output) -> Said {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Said { done: output.status.success(), out: text(&output.stdout), err: text(&output.stderr) }
}

/// `curl` for a URL whose host is at the address; says the body, then `HTTP-version status` on a line of its own.
pub fn curl(ca: &Path, at: SocketAddr, url: &str, args: &[&str]) -> Said {
    let output = Command::new("curl")
        .args(["-sS", "--max-time", "20", "-w", "\n%{http_version} %{http_code}", "--cacert"])
        .arg(ca)
        .args(["--connect-to", &format!("::{at}")])
        .args(args)
        .arg(url)
        .output();
    said(output.expect("curl is installed by ./test"))
}

/// `openssl s_client` at the address, which says `input` to the other end.
pub fn s_client(ca: &Path, at: SocketAddr, args: &[&str], input: &str) -> Said {
    let child = Command::new("openssl")
        .args(["s_client", "-connect", &at.to_string(), "-CAfile"])
        .arg(ca)
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = child.expect("openssl is installed by ./test");
    // It may have ended before it read anything.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    said(child.wait_with_output().unwrap())
}
