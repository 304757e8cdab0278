//! The way into environments, as a manifest says it.

use std::fs;
use std::path::Path;

use tidegate_config::{Manifest, Source, load, load_procfile, render_plain};
use tidegate_core::model::{EnvironmentPolicy, Name};
use tidegate_core::pipeline::{Opening, opening};
use tidegate_core::schedule::instant;

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn with(environments: &str) -> Manifest {
    let text = format!("app: a\nservices: {{ web: {{ run: x }} }}\nenvironments: {environments}\n");
    let source = Source::new("tidegate.yaml", text);
    let (manifest, diagnostics) = load(&source);
    let shown: Vec<_> = diagnostics.iter().map(|diagnostic| render_plain(diagnostic, &source)).collect();
    assert!(shown.is_empty(), "{}", shown.join("\n"));
    manifest.unwrap()
}

fn environments(manifest: &Manifest, branch: &str) -> Vec<String> {
    manifest.environments_of(branch).iter().map(Name::to_string).collect()
}

#[test]
fn everything_that_can_be_said_of_an_environment_is_taken_over() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/good/pipeline.yaml");
    let (manifest, diagnostics) = load(&Source::new("tidegate.yaml", fs::read_to_string(file).unwrap()));
    assert_eq!(diagnostics, []);
    let manifest = manifest.unwrap();
    let policies: Vec<_> = manifest.environments().iter().map(|name| manifest.policy(name)).collect();
    insta::assert_snapshot!("policies_of_environments", serde_json::to_string_pretty(&policies).unwrap());
    assert_eq!(manifest.promotions_from(&name("staging")), [(name("production"), false)]);
    assert_eq!(environments(&manifest, "main"), ["staging"]);
    assert_eq!(environments(&manifest, "feature/x"), ["preview"]);
    assert_eq!(environments(&manifest, "fix/a/b"), ["preview"]);
    assert_eq!(environments(&manifest, "feature/a/b"), [""; 0]);
}

#[test]
fn branches_come_where_their_patterns_say() {
    let several = with(
        "{ staging: { branch: [main, \"release/*\"] }, qa: { branch: \"release/*\" }, live: { branch: main, promote_from: qa } }",
    );
    assert_eq!(environments(&several, "release/2"), ["qa", "staging"]);
    assert_eq!(environments(&several, "main"), ["staging"], "live is promoted to");
    assert_eq!(environments(&several, "mainline"), [""; 0]);
    assert_eq!(environments(&with("{ staging: {}, live: {} }"), "main"), [""; 0], "nobody said which");
}

#[test]
fn evidence_is_carried_from_the_environment_before_where_that_is_asked_for() {
    let manifest = with(
        "{ eu: { branch: main }, us: { promote_from: eu, carry_evidence: true }, asia: { promote_from: us } }",
    );
    let carries = |environment: &str| {
        let resolved = manifest.resolve(&name(environment), &Default::default()).unwrap();
        resolved.services[&name("web")].strategy.judge.carries_from.clone()
    };
    assert_eq!((carries("eu"), carries("us"), carries("asia")), (None, Some(name("eu")), None));
}

#[test]
fn without_environments_main_comes_to_production() {
    let none = with("{}");
    assert_eq!(environments(&none, "main"), ["production"]);
    assert_eq!(environments(&none, "master"), ["production"]);
    assert_eq!(environments(&none, "feature"), [""; 0]);
    assert_eq!(none.policy(&name("staging")), EnvironmentPolicy::default());
    let (procfile, _) = load_procfile(&Source::new("Procfile", "web: x\n"), "shop");
    assert_eq!(environments(&procfile.unwrap(), "main"), ["production"]);
}

#[test]
fn days_of_a_freeze_are_days_of_its_zone() {
    let manifest = with(
        "{ live: { branch: main, freezes: [{ from: 2026-12-20, until: 2027-01-05, timezone: Asia/Tokyo }] } }",
    );
    let policy = manifest.policy(&name("live"));
    let at = |civil: &str| opening(&policy, instant(civil, "Asia/Tokyo").unwrap());
    assert_eq!(at("2026-12-19T23:59:59"), Opening::Open);
    assert!(matches!(at("2026-12-20"), Opening::Closed { .. }));
    assert!(matches!(at("2027-01-04T23:59:59"), Opening::Closed { .. }));
    assert_eq!(at("2027-01-05"), Opening::Open, "the last day is not part of it");
}

#[test]
fn a_preview_is_its_base_under_a_name_and_with_hosts_of_its_own() {
    let manifest = with(
        "{ staging: { branch: main }, preview: { branch: \"feature/*\", env: { LEVEL: debug }, preview: {}, routes: [{ host: a.localhost, to: web }, { host: \"{branch}-b.localhost\", to: web }] } }",
    );
    let (base, digest) = (name("preview"), "0123456789abcdef");
    let of = manifest.preview(&base, "feature/login", digest).unwrap();
    assert_eq!((of.environment.as_str(), of.slug.as_str()), ("preview-login", "login"));
    let resolved = manifest.resolve_preview(&of).unwrap();
    assert_eq!(resolved.environment, name("preview-login"));
    let hosts: Vec<&str> = resolved.routes.iter().map(|route| route.host.as_str()).collect();
    assert_eq!(hosts, ["login.a.localhost", "login-b.localhost"]);
    assert_eq!(resolved.services[&name("web")].env["LEVEL"], "debug");
    assert!(manifest.preview(&name("staging"), "main", digest).is_none());
    assert!(manifest.preview(&name("nowhere"), "main", digest).is_none());
}

#[test]
fn what_is_for_previews_is_for_each_of_them() {
    let text = "app: a\nservices: { web: { run: x } }\nenvironments: { staging: {}, preview: { branch: \"*\", preview: {} } }\n\
                pipeline:\n  stages:\n    seed: { steps: [./seed], when: { environments: [preview] } }\n    deploy: { do: deploy, needs: [seed] }\n";
    let (manifest, diagnostics) = load(&Source::new("tidegate.yaml", text));
    assert_eq!(diagnostics, []);
    let manifest = manifest.unwrap();
    let of = manifest.preview(&name("preview"), "login", "").unwrap();
    let seed = &manifest.preview_pipeline(&of).stages[0];
    assert_eq!(seed.when.why_not(Some("login"), &of.environment), None);
    assert!(seed.when.why_not(Some("main"), &name("staging")).is_some());
}
