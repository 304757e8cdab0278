//! A history like that of years, made in seconds.

use std::io::{BufWriter, Write};
use std::process::Stdio;

use super::remote::Remote;

/// Gives the checkout's branch `commits` commits over `files` files: the first has all of them, each other changes two.
pub fn import(remote: &Remote<'_>, files: usize, commits: usize) {
    let manifest = std::fs::read_to_string(remote.path().join("tidegate.yaml")).unwrap();
    let mut import =
        remote.git(&["fast-import", "--quiet", "--force"]).stdin(Stdio::piped()).spawn().unwrap();
    let mut out = BufWriter::new(import.stdin.take().unwrap());
    for commit in 0..commits {
        let subject = format!("Commit {commit}");
        let when = 1_700_000_000 + commit * 600;
        writeln!(out, "commit refs/heads/main\ncommitter Ann <ann@example.org> {when} +0000").unwrap();
        data(&mut out, &subject);
        if commit == 0 {
            writeln!(out, "deleteall").unwrap();
            file(&mut out, "tidegate.yaml", &manifest);
            (0..files).for_each(|number| file(&mut out, &path(number), &text(number, commit)));
        } else {
            for number in [commit * 7 % files, commit * 13 % files] {
                file(&mut out, &path(number), &text(number, commit));
            }
        }
    }
    out.flush().unwrap();
    drop(out);
    assert!(import.wait().unwrap().success());
    remote.git_well(&["reset", "-q", "--hard", "refs/heads/main"]);
}

fn path(number: usize) -> String {
    format!("src/part{}/module{}/file{number}.txt", number % 20, number % 400)
}

fn text(number: usize, commit: usize) -> String {
    (0..20).map(|line| format!("line {line} of file {number} as of commit {commit}\n")).collect()
}

fn file(out: &mut impl Write, path: &str, text: &str) {
    writeln!(out, "M 100644 inline {path}").unwrap();
    data(out, text);
}

fn data(out: &mut impl Write, text: &str) {
    writeln!(out, "data {}\n{text}", text.len()).unwrap();
}

/// Bytes that no packing makes smaller, always the same.
pub fn noise(many: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    std::iter::repeat_with(next).take(many / 8).flatten().collect()
}
