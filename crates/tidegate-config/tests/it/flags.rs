//! Flags of the manifest and of flag files, as one document.

use tidegate_config::{Diagnostic, Flags, Manifest, Source, flags, load};
use tidegate_flags::mention::{Keys, Language, mentions};

const APP: &str = "app: shop\nservices: { web: { run: x } }\n";

fn manifest(text: &str) -> (Manifest, Source) {
    let source = Source::new("tidegate.yaml", format!("{APP}{text}"));
    let (manifest, diagnostics) = load(&source);
    (manifest.unwrap_or_else(|| panic!("{diagnostics:#?}")), source)
}

fn gathered(text: &str, files: &[(&str, &str)]) -> Result<Option<Flags>, Vec<Diagnostic>> {
    let (manifest, source) = manifest(text);
    let files: Vec<_> = files.iter().map(|(file, text)| Source::new(*file, *text)).collect();
    assert!(files.iter().all(|file| manifest.is_flag_file(&file.file)), "not in flag_files");
    manifest.flags(&source, &files)
}

fn mistakes(text: &str, files: &[(&str, &str)]) -> Vec<(String, String, String)> {
    let told = gathered(text, files).unwrap_err();
    told.into_iter().map(|mistake| (mistake.code, mistake.file, mistake.message)).collect()
}

fn one(code: &str, file: &str, message: &str) -> Vec<(String, String, String)> {
    vec![(code.to_owned(), file.to_owned(), message.to_owned())]
}

#[test]
fn the_manifests_flags_become_a_document_of_flagds() {
    let text = include_str!("good/flags.yaml");
    let source = Source::new("tidegate.yaml", text);
    let (manifest, diagnostics) = load(&source);
    assert_eq!(diagnostics, []);
    let flags = manifest.unwrap().flags(&source, &[]).unwrap().unwrap();
    let document: serde_json::Value = serde_json::from_str(&flags.document()).unwrap();
    insta::assert_snapshot!("flags", serde_json::to_string_pretty(&document).unwrap());
    let set = tidegate_flags::FlagSet::parse(&flags.document(), &Default::default()).unwrap();
    assert_eq!(set.keys().collect::<Vec<_>>(), ["new-cart", "page-size", "weight"]);
    let origin = flags.origin(&"page-size".parse().unwrap()).unwrap();
    assert_eq!((origin.file.as_str(), origin.line), ("tidegate.yaml", 14));
}

#[test]
fn an_app_that_says_nothing_of_flags_is_not_asked() {
    assert_eq!(gathered("", &[]), Ok(None));
    let flags = gathered("flags: {}", &[]).unwrap().unwrap();
    assert_eq!(flags.keys().count(), 0);
}

const CART: &str = "flags:\n  new-cart:\n    state: ENABLED\n    variants: {on: true, off: false}\n    defaultVariant: off\n";
const SEARCH: &str =
    r#"{"flags": {"search": {"state": "ENABLED", "variants": {"a": 1}, "defaultVariant": "a"}}}"#;

#[test]
fn flag_files_are_part_of_it_and_may_speak_of_each_other() {
    let rule = "segments: { staff: { include: [ann] } }\nflags:\n  two: { class: operational, owner: a, targeting: { if: [{ '==': [{ flag: new-cart }, on] }, on] } }\nflag_files: ['flags/*']";
    let flags = gathered(rule, &[("flags/cart.yaml", CART), ("flags/search.json", SEARCH)]).unwrap().unwrap();
    let keys: Vec<_> = flags.keys().map(|key| key.as_str()).collect();
    assert_eq!(keys, ["new-cart", "search", "two"]);
    let origin = flags.origin(&"new-cart".parse().unwrap()).unwrap();
    assert_eq!((origin.file.as_str(), origin.line), ("flags/cart.yaml", 2));
}

#[test]
fn what_is_defined_twice_names_both_places() {
    let files = [("flags/a.yaml", CART), ("flags/b.yaml", CART)];
    let told = "`new-cart` is defined twice: first in flags/a.yaml:2";
    assert_eq!(
        mistakes("flag_files: ['flags/*']", &files),
        one("flags::defined-twice", "flags/b.yaml", told)
    );
    let own = "flags: { new-cart: { class: operational, owner: a } }\nflag_files: ['flags/*']";
    let told = "`new-cart` is defined twice: first in tidegate.yaml:3";
    assert_eq!(mistakes(own, &files[..1]), one("flags::defined-twice", "flags/a.yaml", told));
    let within = "{\n\"flags\": {\n\"a\": {},\n\"a\": {}\n}\n}";
    let told = one("manifest::duplicate-key", "flags/a.json", "the key `a` stands twice");
    assert_eq!(mistakes("flag_files: ['flags/*']", &[("flags/a.json", within)]), told);
}

#[test]
fn a_flag_file_that_cannot_be_used_says_where() {
    let of = |text: &str| mistakes("flag_files: [f.yaml]", &[("f.yaml", text)]);
    for (text, code, message) in [
        ("[]", "flags::file", "f.yaml is not an object with `flags`"),
        ("a: 1", "flags::file", "it has no `flags`"),
        ("flags: 5", "flags::file", "`flags` is to be an object"),
        ("{\"flags\": ", "flags::file", "f.yaml: no JSON: EOF while parsing a value at line 1 column 10"),
        ("flags: {a: {variants: {}}}", "manifest::flag-rule", "the state is ENABLED or DISABLED"),
        (
            "flags: {a: {state: ENABLED, variants: {x: 1}, defaultVariant: x, metadata: {class: rollout}}}",
            "manifest::flag-needs",
            "`a`: an owner is needed: the class is rollout",
        ),
        (
            "flags: {a b: {state: ENABLED, variants: {}}}",
            "manifest::bad-flag-key",
            "`a b` cannot be the key of a flag",
        ),
    ] {
        let told = of(text);
        let first =
            told.first().map(|(code, file, message)| (code.as_str(), file.as_str(), message.as_str()));
        assert_eq!(first, Some((code, "f.yaml", message)), "{text}");
    }
    let large = format!("flags: {{}} #{}", "x".repeat(Source::LONGEST));
    assert_eq!(of(&large), one("flags::file", "f.yaml", "f.yaml is larger than 1 MiB"));
}

#[test]
fn a_pattern_without_a_file_is_a_mistake() {
    let told = one("manifest::flag-files", "tidegate.yaml", "no file of the repository is called `flags/*`");
    assert_eq!(mistakes("flag_files: ['flags/*']", &[]), told);
}

#[test]
fn files_that_disagree_on_what_holds_for_all_are_refused() {
    let says =
        |version: &str| format!("{{\"flags\": {{}}, \"metadata\": {{\"fractional\": \"{version}\"}}}}");
    let (a, b) = (says("v2"), says("v3"));
    let told = mistakes("flag_files: ['*.json']", &[("a.json", &a), ("b.json", &b)]);
    assert_eq!(
        told,
        one(
            "flags::defined-twice",
            "b.json",
            "another flag file says something else of the metadata `fractional`"
        )
    );
    assert!(gathered("flag_files: ['*.json']", &[("a.json", &a), ("b.json", &a)]).is_ok());
}

#[test]
fn what_the_code_asks_for_has_to_be_defined() {
    let flags = gathered("flags: { new-cart: { class: operational, owner: a } }", &[]).unwrap().unwrap();
    let text =
        "a();\nif (await c.getBooleanValue('new-crat', false)) b();\nc.getBooleanValue('new-cart', true)";
    let known = Keys::from_iter(flags.keys().map(|key| key.as_str()));
    let found = mentions(text, Some(Language::Script), &known);
    let told = flags::undefined(&flags, "src/a.js", &found);
    assert_eq!(told.len(), 1);
    let message = "src/a.js:2: no flag `new-crat` is defined; did you mean `new-cart`?";
    assert_eq!((told[0].code.as_str(), told[0].message.as_str()), ("flags::undefined", message));
    assert_eq!(&text[told[0].labels[0].start..told[0].labels[0].end], "new-crat");
}

#[test]
fn a_flag_whose_day_is_over_is_a_warning() {
    let text = "flags: { a: { class: rollout, owner: x, expires: 2026-12-31 } }";
    let flags = gathered(text, &[]).unwrap().unwrap();
    assert_eq!(flags.expired(1_798_761_599), [], "2026-12-31T23:59:59Z");
    let told = flags.expired(1_798_761_600);
    assert_eq!(told[0].message, "`a` should have been gone by 2026-12-31");
    assert!(!told[0].is_error());
}
