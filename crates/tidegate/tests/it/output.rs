//! Standard output that closes, and the schema.

use std::process::Stdio;

use crate::terminal::Terminal;

#[test]
fn a_reader_that_leaves_is_no_error() {
    let terminal = Terminal::new();
    let mut child =
        terminal.command(&["schema"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), String::from_utf8(output.stderr).unwrap().as_str()), (Some(0), ""));
}

#[test]
fn a_full_disk_is_an_error_of_the_environment() {
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let output = Terminal::new().command(&["schema"]).stdout(full).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn the_schema_is_the_one_of_the_manifest() {
    let output = Terminal::new().output(&["schema"]);
    let printed: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(printed, tidegate_config::schema());
}
