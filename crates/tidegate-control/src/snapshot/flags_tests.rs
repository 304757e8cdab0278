//! Folders with flags, on a real disk.

use std::fs;

use tempfile::TempDir;

use super::*;
use crate::snapshot::scan;

const MANIFEST: &str =
    "app: shop\nservices: { web: { run: x } }\nflags: { new-cart: { class: operational, owner: a } }\n";

fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

fn found(folder: &TempDir, text: &str) -> Result<Option<FolderFlags>, FlagsRefused> {
    let shown = Source::new("tidegate.yaml", text);
    let manifest = tidegate_config::load(&shown).0.unwrap();
    flags_of(folder.path(), &scan(folder.path()).unwrap().entries, &manifest, &shown)
}

fn mentioned(folder: &TempDir, text: &str) -> Vec<String> {
    found(folder, text).unwrap().unwrap().mentioned.iter().map(ToString::to_string).collect()
}

fn mistakes(folder: &TempDir, text: &str) -> Vec<String> {
    match found(folder, text) {
        Err(FlagsRefused::Mistakes(mistakes, _)) => {
            mistakes.into_iter().map(|mistake| mistake.message).collect()
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_mention_counts_where_it_can_be_code() {
    for (path, text, counts) in [
        ("src/a.js", "c.getBooleanValue('new-cart', false)", true),
        ("config.ini", "flag = \"new-cart\"", true),
        ("README.md", "`new-cart` is nice", false),
        ("node_modules/x/a.js", "c.getBooleanValue('new-cart', false)", false),
        ("ignored/a.js", "c.getBooleanValue('new-cart', false)", false),
        ("tidegate.yaml", "'new-cart'", false),
        ("a.bin", "\0'new-cart'", false),
    ] {
        let folder = folder(&[(path, text), (".gitignore", "/ignored\n")]);
        assert_eq!(mentioned(&folder, MANIFEST), if counts { vec!["new-cart"] } else { vec![] }, "{path}");
    }
}

/// What is looked through where there is room for so much.
fn looked(folder: &TempDir, most: Most) -> (bool, Option<String>) {
    let shown = Source::new("tidegate.yaml", MANIFEST);
    let manifest = tidegate_config::load(&shown).0.unwrap();
    let flags = manifest.flags(&shown, &[]).unwrap().unwrap();
    let mut look = Look::of(&flags, most);
    look.through(folder.path(), &scan(folder.path()).unwrap().entries, &manifest).unwrap();
    (!look.mentioned.is_empty(), look.partly)
}

#[test]
fn what_is_too_much_to_look_through_is_told() {
    let code = "c.getBooleanValue('new-cart', false)";
    let folder = folder(&[("a.js", &" ".repeat(50)), ("b.js", code)]);
    assert_eq!(looked(&folder, MOST), (true, None));
    let (found, why) = looked(&folder, Most { file: 45, ..MOST });
    assert_eq!((found, why.as_deref()), (true, Some("a.js is larger than 45 bytes")));
    let (found, why) = looked(&folder, Most { bytes: 40, ..MOST });
    assert!(!found && why.unwrap().contains("40 bytes"));
    let (found, why) = looked(&folder, Most { files: 0, ..MOST });
    assert!(!found && why.unwrap().contains("0 text files"));
}

#[test]
fn what_is_no_text_or_no_code_is_not_too_much() {
    let code = "c.getBooleanValue('new-cart', false)";
    let folder = folder(&[("a.bin", &"\0".repeat(100_000)), ("b.csv", &"1,".repeat(5_000)), ("c.js", code)]);
    assert_eq!(looked(&folder, Most { file: 1_000, files: 1, bytes: 1_000 }), (true, None));
}

#[test]
fn a_flag_file_defines_and_does_not_mention() {
    let text = "app: shop\nservices: { web: { run: x } }\nflag_files: ['flags/*.json']\n";
    let file = r#"{"flags": {"a": {"state": "ENABLED", "variants": {"a": 1}, "defaultVariant": "a"}}}"#;
    let folder = folder(&[("flags/a.json", file), ("src/x.py", "x('a')")]);
    assert_eq!(mentioned(&folder, text), ["a"]);
    fs::remove_file(folder.path().join("src/x.py")).unwrap();
    assert!(mentioned(&folder, text).is_empty());
}

#[test]
fn a_flag_file_that_cannot_be_one_is_named() {
    let text = "app: shop\nservices: { web: { run: x } }\nflag_files: [flags.json]\n";
    let outside = folder(&[("flags.json", r#"{"flags": {}}"#)]);
    let folder = folder(&[("a", "")]);
    std::os::unix::fs::symlink(outside.path().join("flags.json"), folder.path().join("flags.json")).unwrap();
    let link = "flags.json is a link, which is not followed: put the file itself there";
    assert_eq!(mistakes(&folder, text), [link]);
    fs::remove_file(folder.path().join("flags.json")).unwrap();
    assert_eq!(mistakes(&folder, text), ["no file of the repository is called `flags.json`"]);
    fs::write(folder.path().join("flags.json"), b"{\"flags\": {}, \"metadata\": {\"owner\": \"M\xfcller\"}}")
        .unwrap();
    assert_eq!(mistakes(&folder, text), ["flags.json is not UTF-8: save it as UTF-8"]);
}

#[test]
fn a_call_for_what_nobody_defines_is_a_mistake_only_where_flags_are_defined() {
    let folder = folder(&[("src/a.ts", "\nc.getBooleanValue('mew-cart', false)")]);
    assert_eq!(
        mistakes(&folder, MANIFEST),
        ["src/a.ts:2: no flag `mew-cart` is defined; did you mean `new-cart`?"]
    );
    assert_eq!(
        mistakes(&folder, "app: shop\nservices: { web: { run: x } }\nflags: {}\n"),
        ["src/a.ts:2: no flag `mew-cart` is defined"]
    );
    assert!(found(&folder, "app: shop\nservices: { web: { run: x } }\n").unwrap().is_none());
}

fn warned(folder: &TempDir) -> Vec<String> {
    let warnings = found(folder, MANIFEST).unwrap().unwrap().warnings;
    assert!(warnings.iter().all(|warning| !warning.is_error()));
    warnings.into_iter().map(|warning| warning.message).collect()
}

#[test]
fn what_only_looks_like_a_flag_can_be_said_to_be_none() {
    let call = "c.getBooleanValue('mew-cart', false)";
    let folder = folder(&[("src/a.ts", &format!("{call} // tidegate: no flag\n\n{call}"))]);
    assert_eq!(
        mistakes(&folder, MANIFEST),
        ["src/a.ts:3: no flag `mew-cart` is defined; did you mean `new-cart`?"]
    );
    fs::write(folder.path().join("src/a.ts"), format!("\n{call} // tidegate: no flag")).unwrap();
    assert_eq!(warned(&folder), [""; 0]);
    fs::write(folder.path().join("src/a.ts"), "c.getBooleanValue('new-cart', false) // tidegate: no flag")
        .unwrap();
    assert_eq!(mentioned(&folder, MANIFEST), [""; 0], "nor is it a mention");
}

#[test]
fn a_test_may_make_flags_up() {
    let call = "c.getBooleanValue('made-up', false)";
    for path in
        ["test/a.ts", "src/__tests__/a.js", "src/cart.test.ts", "cart_test.ts", "test_cart.py", "e2e/x/a.ts"]
    {
        let folder = folder(&[(path, call)]);
        assert_eq!(warned(&folder), [format!("{path}:1: no flag `made-up` is defined")]);
    }
    for path in ["contest/a.ts", "src/latest.ts", "src/testing.py"] {
        let folder = folder(&[(path, call)]);
        assert_eq!(mistakes(&folder, MANIFEST).len(), 1, "{path}");
    }
}
