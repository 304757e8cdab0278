//! Whatever the text, reading it ends soon, says the same each time and never panics.

use std::time::{Duration, Instant};

use proptest::prelude::*;
use tidegate_config::{Diagnostic, Source, load, load_procfile, parse_env_file, render_plain};

const PIECES: &[&str] = &[
    "app: shop\n",
    "services:\n",
    "  web:\n",
    "    run: x\n",
    "    port: ",
    "auto\n",
    "none",
    "8000",
    "\n",
    " ",
    "  ",
    "\t",
    "{",
    "}",
    "[",
    "]",
    ",",
    ": ",
    "- ",
    "? ",
    "| \n",
    ">\n",
    "\"",
    "'",
    "#",
    "&a ",
    "*a",
    "<<: *a",
    "!!str ",
    "!x ",
    "---\n",
    "routes:\n",
    "  - { host: a.b, to: web }\n",
    "env: { A: 1 }\n",
    "environments:\n",
    "  e:\n",
    "probes: { ready: { http: / } }",
    "strategy: rolling\n",
    "scale: { min: 1, max: 2 }",
    "30s",
    "1GiB",
    "~",
    "true",
    "\u{feff}",
    "ü",
    "🙂",
    "\0",
    "\r\n",
    "\\x",
    "%YAML 1.2\n",
];

fn yaml_ish() -> impl Strategy<Value = String> {
    let pieces =
        proptest::collection::vec(proptest::sample::select(PIECES), 0..60).prop_map(|parts| parts.concat());
    prop_oneof![4 => pieces, 1 => "(?s).{0,200}"]
}

fn check_all(source: &Source, diagnostics: &[Diagnostic]) {
    for diagnostic in diagnostics {
        for label in &diagnostic.labels {
            assert!(
                source.text.get(label.start..label.end).is_some_and(|text| !text.contains('\n')),
                "{label:?}"
            );
        }
        let shown = render_plain(diagnostic, source);
        assert!(!shown.contains(|c: char| c.is_control() && c != '\n'), "{shown:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn reading_never_panics_and_is_deterministic(text in yaml_ish()) {
        let source = Source::new("tidegate.yaml", text);
        let begun = Instant::now();
        let (manifest, diagnostics) = load(&source);
        prop_assert!(begun.elapsed() < Duration::from_secs(1));
        prop_assert_eq!(manifest.is_some(), diagnostics.iter().all(|diagnostic| !diagnostic.is_error()));
        check_all(&source, &diagnostics);
        prop_assert_eq!((manifest, diagnostics), load(&source));
    }

    #[test]
    fn procfiles_and_env_files_never_panic(text in yaml_ish()) {
        let source = Source::new("file", text);
        let (manifest, diagnostics) = load_procfile(&source, "shop");
        prop_assert_eq!(manifest.is_some(), diagnostics.is_empty());
        check_all(&source, &diagnostics);
        if let Err(diagnostics) = parse_env_file(&source) {
            check_all(&source, &diagnostics);
        }
        prop_assert_eq!(source.redacted_env_file().text.len(), source.text.len());
    }
}

/// Files near the size limit, built to be slow.
#[test]
fn hostile_files_are_read_in_seconds() {
    let fill = |piece: &str| piece.repeat(Source::LONGEST / piece.len());
    let keys: String = (0..60_000).map(|at| format!("k{at}: x\n")).collect();
    let anchors: String = (0..20_000).map(|at| format!("k{at}: &a{at} *a{}\n", at.max(1) - 1)).collect();
    let texts = [
        fill("["),
        fill("- "),
        fill("a: "),
        fill("*a "),
        fill("&a "),
        fill("x: y\n"),
        fill("\""),
        fill("!a "),
        fill("? "),
        fill("a\n"),
        fill("{a: b},"),
        fill("---\n"),
        fill("\t\n"),
        fill("A='\n"),
        fill("=\n"),
        fill("x:y\n"),
        keys,
        anchors,
    ];
    for text in texts {
        let source = Source::new("tidegate.yaml", text);
        let begun = Instant::now();
        let (_, diagnostics) = load(&source);
        load_procfile(&source, "shop");
        let _ = parse_env_file(&source);
        check_all(&source, &diagnostics[..diagnostics.len().min(3)]);
        let start: String = source.text.chars().take(12).collect();
        assert!(begun.elapsed() < Duration::from_secs(5), "{start:?} took {:?}", begun.elapsed());
    }
}

/// The largest manifest that is accepted: every environment sees every service with every variable.
#[test]
fn the_largest_manifest_loads_and_resolves() {
    let variables: String = (0..80).map(|at| format!("V{at}: x, ")).collect();
    let services: String =
        (0..100).map(|at| format!("  s{at}: {{ run: x, env: *v, port: none }}\n")).collect();
    let environments: String = (1..100).map(|at| format!("  e{at}: *e\n")).collect();
    let head = format!("app: a\nenv: &v {{ {variables} }}\n");
    let text = format!("{head}services:\n{services}environments:\n  e0: &e {{ env: *v }}\n{environments}");
    let begun = Instant::now();
    let (manifest, diagnostics) = load(&Source::new("tidegate.yaml", text));
    assert_eq!(diagnostics, []);
    let manifest = manifest.expect("no diagnostic, so a manifest");
    assert_eq!(manifest.environments().len(), 100);
    let resolved = manifest.resolve(&"e99".parse().unwrap(), &Default::default()).unwrap();
    assert_eq!(resolved.services.len(), 100);
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
}
