//! What is secret of a unit's environment: in its process, in no file, and in no line of its output.

use std::fs;
use std::path::Path;

use tidegate_backend::{Backend, Sealed, UnitSpec};

use crate::yard::{Yard, worker};

const VALUE: &str = "s3cret/pass word-0123456789";
const BASE64: &str = "czNjcmV0L3Bhc3Mgd29yZC0wMTIzNDU2Nzg5";

/// In two writes split in the middle, encoded, within another text, to both outputs, and as last words without an end.
const TELLS: &str = r#"printf 'a %s' "$(printf %s "$TOKEN" | cut -c1-12)"; sleep 0.2
printf '%s b\n' "$(printf %s "$TOKEN" | cut -c13-)"
printf %s "$TOKEN" | base64
echo "$URL" >&2
test "${#TOKEN}" = 27 && echo "it has it"
printf 'died with %s' "$TOKEN""#;

fn with_secrets(yard: &Yard, name: &str, command: &str) -> UnitSpec {
    let env = [("TOKEN", VALUE.to_owned()), ("URL", format!("redis://u:{VALUE}@h")), ("PORT", "1".to_owned())];
    let sealed = Sealed {
        env: env.map(|(name, value)| (name.to_owned(), value)).into(),
        secrets: [("token".to_owned(), VALUE.to_owned())].into(),
    };
    UnitSpec { sealed, ..worker(yard, name, command) }
}

/// Files below a folder that have one of these texts in them.
fn files_with(folder: &Path, texts: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for item in fs::read_dir(folder).unwrap().flatten() {
        let path = item.path();
        if path.is_dir() {
            found.extend(files_with(&path, texts));
        } else if let Ok(bytes) = fs::read(&path) {
            let has = |text: &&str| bytes.windows(text.len()).any(|part| part == text.as_bytes());
            found.extend(texts.iter().any(has).then(|| path.display().to_string()));
        }
    }
    found
}

#[test]
fn secrets_reach_the_process_and_neither_files_nor_output() {
    let mut yard = Yard::new();
    let spec = with_secrets(&yard, "web-1", TELLS);
    yard.start(&spec);
    yard.exit("web-1");
    let mut said = yard.output("web-1");
    said.sort();
    let expected = [
        "[secret token]",
        "a [secret token] b",
        "died with [secret token]",
        "it has it",
        "redis://u:[secret token]@h",
    ];
    assert_eq!(said, expected);
    assert_eq!(files_with(&yard.data, &[VALUE, BASE64, "s3cret/pass"]), Vec::<String>::new());
    assert!(!format!("{spec:?}").contains("s3cret"));
}

#[test]
fn they_are_handed_over_though_whoever_did_is_gone() {
    let mut yard = Yard::new();
    let spec = with_secrets(&yard, "web-1", r#"sleep 0.3; test "$TOKEN" && echo "has $TOKEN""#);
    yard.start(&spec);
    yard.close();
    yard.open();
    assert_eq!(yard.exit("web-1").code, Some(0));
    assert_eq!(yard.output("web-1"), ["has [secret token]"]);
}

#[test]
fn more_than_can_be_handed_over_is_refused_and_leaves_nothing() {
    let mut yard = Yard::new();
    let mut spec = with_secrets(&yard, "web-1", "true");
    spec.sealed.env.insert("LARGE".to_owned(), "x".repeat(Sealed::MOST));
    let error = yard.backend().start(&spec).unwrap_err();
    assert!(std::error::Error::source(&error).is_some_and(|why| why.to_string().contains("its secrets have more than")));
    spec.sealed.env.insert("LARGE".to_owned(), "\u{1}".repeat(Sealed::MOST - 1_000));
    spec.generation = 2;
    // Escaped it is six times as long: either it fits or it is refused, and nothing waits for it.
    if yard.backend().start(&spec).is_ok() {
        yard.exit("web-1");
    }
}
