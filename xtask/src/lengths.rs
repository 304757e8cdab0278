//! No source file is longer than a reader would accept.

use std::fs;
use std::path::Path;

use crate::{Trouble, files};

const MOST_LINES: usize = 500;

/// The files that are too long.
pub fn check(root: &Path) -> Result<Vec<String>, Trouble> {
    let mut findings = Vec::new();
    for file in files::all(root)?.iter().filter(|file| file.extension().is_some_and(|end| end == "rs")) {
        let lines = fs::read_to_string(root.join(file))?.lines().count();
        if lines > MOST_LINES {
            findings.push(format!("{}: {lines} lines, at most {MOST_LINES}", file.display()));
        }
    }
    Ok(findings)
}
