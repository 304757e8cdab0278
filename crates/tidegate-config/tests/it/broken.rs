//! Every file in `broken/` with its diagnostics as a user reads them.

use std::fs;
use std::path::Path;

use tidegate_config::{Diagnostic, Source, load, load_procfile, parse_env_file, render_plain};

fn folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/broken")
}

fn sources() -> Vec<Source> {
    let mut names: Vec<_> = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    let read = |name: &std::ffi::OsString| fs::read_to_string(folder().join(name)).unwrap();
    names.iter().map(|name| Source::new(name.to_string_lossy(), read(name))).collect()
}

fn diagnose(source: &Source) -> Vec<Diagnostic> {
    let (model, diagnostics) = match source.file.rsplit_once('.').map(|(_, ending)| ending) {
        Some("yaml") => load(source),
        Some("Procfile") => load_procfile(source, "shop"),
        _ => return parse_env_file(source).unwrap_err(),
    };
    assert!(model.is_none(), "{} is broken and was loaded", source.file);
    diagnostics
}

#[test]
fn broken_files_are_explained() {
    let sources = sources();
    assert!(sources.len() >= 40);
    let settings = insta::Settings::clone_current();
    settings.bind(|| {
        for source in &sources {
            let shown: Vec<String> = diagnose(source).iter().map(|d| render_plain(d, source)).collect();
            insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
                insta::assert_snapshot!(source.file.as_str(), shown.join("\n"));
            });
        }
    });
}

#[test]
fn every_label_is_on_one_line_and_on_character_boundaries() {
    for source in sources() {
        for diagnostic in diagnose(&source) {
            assert_eq!(diagnostic.file, source.file);
            for label in diagnostic.labels {
                let text = source.text.get(label.start..label.end).expect("the label is in the text");
                assert!(!text.contains('\n'), "{}: {text:?}", source.file);
            }
        }
    }
}

#[test]
fn every_code_in_use_is_explained() {
    let known: Vec<&str> = tidegate_config::codes().iter().map(|code| code.id).collect();
    let mut used = std::collections::BTreeSet::new();
    for source in sources() {
        used.extend(diagnose(&source).into_iter().map(|diagnostic| diagnostic.code));
    }
    assert!(used.iter().all(|code| known.contains(&code.as_str())));
    let unseen: Vec<_> = known.into_iter().filter(|code| !used.contains(*code)).collect();
    // These come from sizes and from questions asked of a good manifest; other tests have them.
    let elsewhere = [
        "file::too-large",
        "file::too-many-mistakes",
        "manifest::bad-reference",
        "manifest::step-reference",
        "manifest::too-many",
        "flags::file",
        "flags::defined-twice",
        "flags::undefined",
        "flags::expired",
        "flags::rule-for-all",
        "flags::partly-read",
        "manifest::not-used-yet",
        "manifest::which-environment",
        "env-file::bad-text",
    ];
    assert_eq!(unseen, elsewhere);
}

#[test]
fn env_files_never_show_a_value() {
    for source in sources().iter().filter(|source| source.file.ends_with(".env")) {
        for diagnostic in diagnose(source) {
            let shown = render_plain(&diagnostic, source) + &format!("{diagnostic:?}");
            assert!(!shown.contains("hunter") && !shown.contains("s3cret"), "{shown}");
        }
    }
}

#[test]
fn diagnostics_go_through_json_and_back() {
    for source in sources() {
        let diagnostics = diagnose(&source);
        let json = serde_json::to_string(&diagnostics).unwrap();
        assert_eq!(serde_json::from_str::<Vec<Diagnostic>>(&json).unwrap(), diagnostics);
    }
}

#[test]
fn a_large_file_is_refused_unread() {
    let source = Source::new("tidegate.yaml", "#".repeat(Source::LONGEST + 1));
    for diagnostics in
        [load(&source).1, load_procfile(&source, "shop").1, parse_env_file(&source).unwrap_err()]
    {
        let codes: Vec<_> = diagnostics.iter().map(|diagnostic| diagnostic.code.as_str()).collect();
        assert_eq!(codes, ["file::too-large"]);
    }
}

#[test]
fn a_thousand_mistakes_are_cut_to_a_hundred_and_a_count() {
    let lines: String = (0..1_000).map(|at| format!("key{at}: x\n")).collect();
    let (model, diagnostics) = load(&Source::new("tidegate.yaml", lines));
    assert!(model.is_none());
    assert_eq!(diagnostics.len(), 101);
    assert_eq!(diagnostics[100].message, "there are 902 more like these");
}

#[test]
fn too_many_services_routes_and_variables_are_refused() {
    let services: String = (0..101).map(|at| format!("  s{at}: {{ run: x }}\n")).collect();
    let variables: String = (0..501).map(|at| format!("  V{at}: x\n")).collect();
    let text = format!("app: a\nservices:\n{services}env:\n{variables}");
    let codes: Vec<_> = load(&Source::new("f", text)).1.into_iter().map(|d| d.code).collect();
    assert_eq!(codes, ["manifest::too-many", "manifest::too-many"]);
}
