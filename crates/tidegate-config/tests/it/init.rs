//! First manifests for folders of many kinds.

use std::collections::BTreeMap;

use proptest::prelude::*;
use tidegate_config::init::{FolderFacts, NAMES, scaffold};
use tidegate_config::{Severity, Source, load, render_plain};

fn facts(folder: &str, files: &[(&str, &str)]) -> FolderFacts {
    let files: BTreeMap<_, _> =
        files.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
    assert!(files.keys().all(|name| NAMES.contains(&name.as_str())));
    FolderFacts { folder_name: folder.to_owned(), files }
}

/// Names and texts.
type Files = &'static [(&'static str, &'static str)];

/// The scaffold, after it was loaded and resolved.
fn loaded(facts: &FolderFacts) -> String {
    let scaffold = scaffold(facts);
    let source = Source::new("tidegate.yaml", scaffold.manifest);
    let (manifest, diagnostics) = load(&source);
    let shown: Vec<_> = diagnostics.iter().map(|diagnostic| render_plain(diagnostic, &source)).collect();
    assert!(
        diagnostics.iter().all(|diagnostic| diagnostic.severity == Severity::Warning),
        "{}",
        shown.join("\n")
    );
    let manifest = manifest.expect("a scaffold always loads");
    let environment = manifest.default_environment().unwrap();
    manifest.resolve(&environment, &BTreeMap::new()).unwrap();
    source.text
}

#[test]
fn commands_fit_the_folder() {
    const PACKAGE: &str = r#"{ "scripts": { "start": "node .", "build": "tsc" } }"#;
    const MANAGE: &str = "os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'mysite.settings')";
    let cases: [(Files, &[&str]); 14] = [
        (
            &[("package.json", PACKAGE), ("package-lock.json", "")],
            &["npm ci && npm run build", "run: npm start"],
        ),
        (&[("package.json", "{}"), ("index.js", "")], &["run: npm install", "run: node index.js"]),
        (&[("package.json", "not json"), ("server.js", "")], &["run: node server.js"]),
        (&[("server.js", "")], &["run: node server.js"]),
        (
            &[("manage.py", MANAGE), ("requirements.txt", "django\ngunicorn\n")],
            &["gunicorn mysite.wsgi", "migrate:"],
        ),
        (
            &[("requirements.txt", "Flask==3\n"), ("app.py", "")],
            &["requirements.txt gunicorn", "gunicorn app:app"],
        ),
        (
            &[("pyproject.toml", "dependencies = ['fastapi']"), ("main.py", "")],
            &["uvicorn main:app", "install . uvicorn"],
        ),
        (&[("main.py", "")], &["run: python3 main.py"]),
        (&[("Gemfile", "gem 'rails'")], &["rails server", "db:migrate"]),
        (&[("go.mod", "module x")], &["go build", "run: ./app"]),
        (&[("Cargo.toml", "[package]\nname = \"shop\"\n")], &["./target/release/shop"]),
        (&[("composer.json", "{}")], &["php -S"]),
        (&[("index.html", "")], &["http.server"]),
        (&[], &["replace this"]),
    ];
    for (files, expected) in cases {
        let text = loaded(&facts("shop", files));
        assert!(expected.iter().all(|part| text.contains(part)), "{files:?}: {text}");
    }
}

#[test]
fn a_procfile_says_what_runs() {
    let procfile =
        "release: ./migrate: all\nweb: gunicorn app:app\ncelery_worker: celery # x\nbroken\nweb: again\n";
    let text = loaded(&facts("My Shop!", &[("Procfile", procfile), ("requirements.txt", "flask")]));
    insta::assert_snapshot!("scaffold_procfile", text);
}

#[test]
fn notes_tell_what_was_guessed() {
    let notes = scaffold(&facts("shop", &[("server.js", ""), ("Dockerfile", "")])).notes;
    insta::assert_snapshot!("scaffold_notes", notes.join("\n"));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_scaffold_always_loads(
        folder in ".{0,60}",
        files in proptest::collection::btree_map(proptest::sample::select(NAMES), "(?s).{0,80}|[a-z]{1,6}: ?[ -~]{0,30}\n[a-z]{1,6}: [ -~]{1,20}", 0..6),
        script in "(?s).{0,40}",
    ) {
        let mut files: BTreeMap<String, String> =
            files.into_iter().map(|(name, text)| (name.to_owned(), text)).collect();
        if script.len() % 2 == 0 {
            let package = serde_json::json!({ "main": script, "scripts": { "build": script } });
            files.insert("package.json".to_owned(), package.to_string());
        }
        loaded(&FolderFacts { folder_name: folder, files });
    }
}
