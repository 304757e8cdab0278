//! Statements, listings and what is signed.

use serde_json::json;

use super::*;
use crate::model::{BuildId, BuildSource, Exit, RunNo, TestCounts};

fn facts() -> Facts {
    Facts {
        build: BuildId("b".repeat(64)),
        app: "shop".parse().unwrap(),
        command: Some("make".to_owned()),
        within_ms: 60_000,
        snapshot: "5".repeat(64),
        source: BuildSource { commit: Some("c".repeat(40)), dirty: false },
        from_git: true,
        branch: Some("main".to_owned()),
        repository: None,
        run: Some(RunNo(7)),
        environment: Some("staging".parse().unwrap()),
        by: "ann".to_owned(),
        job: Some("build-3".to_owned()),
        steps: vec![StepFact {
            stage: "test".parse().unwrap(),
            name: "unit (node 20)".to_owned(),
            exit: Some(Exit { code: Some(0), ran_ms: 12, ..Exit::default() }),
            tests: Some(TestCounts { tests: 9, skipped: 1, ..TestCounts::default() }),
            caches: vec!["node_modules".to_owned()],
        }],
        sealed: Sealed {
            subject: "d".repeat(64),
            manifest: Some(("tidegate.yaml".to_owned(), "e".repeat(64))),
            sbom: Some("f".repeat(64)),
            notes: Vec::new(),
        },
        started: "2026-01-31T12:00:00.000Z".to_owned(),
        finished: "2026-01-31T12:00:09.000Z".to_owned(),
        late: false,
        builder: Builder { key: "k".to_owned(), version: "0.1.0".to_owned() },
    }
}

#[test]
fn a_statement_says_what_was_made_from_what_by_whom() {
    let statement = statement(&facts());
    let definition = &statement["predicate"]["buildDefinition"];
    assert_eq!(statement["subject"][0]["digest"]["sha256"], "d".repeat(64));
    assert_eq!(
        definition["resolvedDependencies"][0],
        json!({ "uri": "git+tidegate:shop@refs/heads/main", "digest": { "gitCommit": "c".repeat(40) } })
    );
    let steps = &statement["predicate"]["runDetails"]["byproducts"][2];
    assert_eq!(steps["name"], "step test/unit (node 20)");
    assert_eq!(steps["annotations"]["exitCode"], 0);
    assert_eq!(steps["annotations"]["tests"], json!({ "tests": 9, "failed": 0, "skipped": 1 }));
    let claims = claims_of(&statement).unwrap();
    assert_eq!((claims.run, claims.by.as_str(), claims.from_git), (Some(7), "ann", true));
    assert_eq!((claims.snapshot, claims.sbom), ("5".repeat(64), Some("f".repeat(64))));
}

#[test]
fn a_folder_that_is_no_checkout_has_no_commit() {
    let statement =
        statement(&Facts { source: BuildSource::default(), from_git: false, run: None, ..facts() });
    let text = statement.to_string();
    assert!(!text.contains("gitCommit") && !text.contains("\"commit\""), "{text}");
    let claims = claims_of(&statement).unwrap();
    assert_eq!((claims.commit, claims.from_git, claims.run), (None, false, None));
}

#[test]
fn what_is_no_statement_about_a_build_is_refused() {
    let good = statement(&facts());
    for (at, value, why) in [
        ("/_type", json!("x"), "has another _type than"),
        ("/predicateType", json!(null), "has no predicateType"),
        ("/predicate/buildDefinition/buildType", json!("urn:x"), "has another predicate/"),
        ("/subject", json!([]), "has 0 subjects"),
        ("/subject/0/digest", json!({ "sha512": "d" }), "has no subject/0/digest/sha256"),
        ("/predicate/buildDefinition/resolvedDependencies", json!([]), "does not say what it was made from"),
    ] {
        let mut bad = good.clone();
        *bad.pointer_mut(at).unwrap() = value;
        let found = claims_of(&bad).unwrap_err();
        assert!(found.contains(why), "{at}: {found}");
    }
}

/// The example of the specification of DSSE.
#[test]
fn what_is_signed_is_as_the_specification_has_it() {
    let pae = pae("http://example.com/HelloWorld", b"hello world");
    assert_eq!(pae, b"DSSEv1 29 http://example.com/HelloWorld 11 hello world");
}

fn line(kind: Kind, digest: &str, path: &str) -> Line {
    Line { path: path.to_owned(), kind, digest: digest.to_owned() }
}

#[test]
fn a_listing_is_sorted_text_that_reads_back() {
    let listing = Listing::new(vec![
        line(Kind::Link, "2", "b"),
        line(Kind::File, "1", "a\nfile 3 \\c"),
        line(Kind::Folder, "-", "a-"),
    ]);
    assert_eq!(listing.text(), "file 1 a\\nfile 3 \\\\c\ndir - a-\nlink 2 b\n");
    assert_eq!(Listing::parse(&listing.text()), Ok(listing));
    assert_eq!(Listing::parse("file 1 a\nfifo - x\n"), Err(2));
    assert_eq!(Listing::parse("file 1 a\\x\n"), Err(1));
}

#[test]
fn every_kind_of_change_is_told_by_its_path() {
    let sealed = Listing::new(vec![
        line(Kind::File, "1", "app"),
        line(Kind::File, "2", "run"),
        line(Kind::Link, "3", "current"),
        line(Kind::File, "4", "gone"),
        line(Kind::File, "5", "swapped"),
        line(Kind::Folder, "-", "same"),
    ]);
    let found = Listing::new(vec![
        line(Kind::File, "9", "app"),
        line(Kind::Executable, "2", "run"),
        line(Kind::Link, "9", "current"),
        line(Kind::Link, "5", "swapped"),
        line(Kind::Folder, "-", "same"),
        line(Kind::Other, "-", "pipe"),
    ]);
    let told = [
        "`app` has other contents",
        "`current` leads elsewhere",
        "`pipe` was added",
        "`run` has another mode: it can be executed now",
        "`swapped` was a file and is a link",
        "`gone` is gone",
    ];
    assert_eq!(sealed.differences(&found), told);
    assert_eq!(sealed.differences(&sealed), Vec::<String>::new());
    let many = Listing::new((0..30).map(|n| line(Kind::File, "1", &format!("f{n}"))).collect());
    assert_eq!(Listing::default().differences(&many).last().unwrap(), "and 10 more");
}
