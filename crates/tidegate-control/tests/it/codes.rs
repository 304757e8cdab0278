//! Every code that a refusal has is explained, and nothing else is.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// The codes in a folder's source: texts like `flag::unknown` that stand in quotes.
fn codes_in(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            codes_in(&path, found);
        } else if path.extension().is_some_and(|end| end == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            found.extend(text.split('"').filter(|part| is_code(part)).map(str::to_owned));
        }
    }
}

fn is_code(text: &str) -> bool {
    let is_word = |word: &str| {
        let letters = word.bytes().all(|b| b.is_ascii_lowercase() || b == b'-');
        letters && word.starts_with(|c: char| c.is_ascii_lowercase())
    };
    text.split_once("::").is_some_and(|(of, code)| is_word(of) && is_word(code))
}

#[test]
fn every_code_of_a_refusal_is_explained() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut used = BTreeSet::new();
    for part in ["tidegate-api/src", "tidegate-core/src/release"] {
        codes_in(&crates.join(part), &mut used);
    }
    let own = crates.join("tidegate-control/src");
    for entry in fs::read_dir(&own).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true if path.ends_with("codes") => {}
            true => codes_in(&path, &mut used),
            false => {
                let text = fs::read_to_string(&path).unwrap();
                used.extend(text.split('"').filter(|part| is_code(part)).map(str::to_owned));
            }
        }
    }
    // Mistakes in files have codes of their own, which another crate explains.
    used.retain(|code| !tidegate_config::codes().iter().any(|known| known.id == code));
    let explained: Vec<String> = tidegate_control::codes().map(|(code, _)| (*code).to_owned()).collect();
    let known: BTreeSet<String> = explained.iter().cloned().collect();
    assert_eq!(known.len(), explained.len(), "each once");
    let missing: Vec<_> = used.difference(&known).collect();
    assert!(missing.is_empty(), "not explained in tidegate-control/src/codes: {missing:?}");
    let unused: Vec<_> = known.difference(&used).collect();
    assert!(unused.is_empty(), "explained, and nobody says them: {unused:?}");
}
