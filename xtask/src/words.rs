//! No file speaks of the machine it was written on, and none carries a note to self.

use std::fs;
use std::path::Path;

use crate::{Trouble, files};

/// Files this size are no text of ours.
const LARGEST: u64 = 4 << 20;
/// This file has to spell them.
const LIST: &str = "xtask/src/words.rs";
const BANNED: [&str; 6] = ["/root/", "/home/", "/Users/", "FIXME", "XXX:", "HACK:"];

/// Where a banned word or the path of this checkout stands.
pub fn check(root: &Path) -> Result<Vec<String>, Trouble> {
    let here = root.canonicalize()?.display().to_string();
    let mut findings = Vec::new();
    for file in files::all(root)?.iter().filter(|file| file.as_path() != Path::new(LIST)) {
        let path = root.join(file);
        if fs::metadata(&path)?.len() > LARGEST {
            continue;
        }
        let Ok(text) = fs::read_to_string(&path) else { continue };
        findings
            .extend(in_text(&text, &here).map(|(line, word)| format!("{}:{line}: `{word}`", file.display())));
    }
    Ok(findings)
}

fn in_text<'t>(text: &'t str, here: &'t str) -> impl Iterator<Item = (usize, &'t str)> {
    text.lines().enumerate().flat_map(move |(index, line)| {
        let words = BANNED.into_iter().chain([here]);
        words.filter(move |word| line.contains(word)).map(move |word| (index + 1, word))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_the_checkout_are_found_with_their_line() {
        let text = "one\nsee /srv/checkout/x\n// FIXME later\n";
        let found: Vec<_> = in_text(text, "/srv/checkout").collect();
        assert_eq!(found, [(2, "/srv/checkout"), (3, "FIXME")]);
    }
}
