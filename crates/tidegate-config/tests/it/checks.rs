//! Checks beside the judge: what a manifest says of them.

use std::collections::BTreeMap;

use tidegate_config::{Source, load, render_plain};
use tidegate_core::model::{CheckSource, CheckSpec, Figure, Step, Strategy, Unreachable};
use tidegate_core::time::Millis;

fn strategy(inside: &str) -> Strategy {
    let text = format!("app: a\nservices:\n  web:\n    run: x\n    strategy:\n      {inside}\n");
    let source = Source::new("tidegate.yaml", text);
    let (manifest, diagnostics) = load(&source);
    let shown: Vec<_> = diagnostics.iter().map(|diagnostic| render_plain(diagnostic, &source)).collect();
    assert!(shown.is_empty(), "{}", shown.join("\n"));
    let resolved = manifest.unwrap().resolve(&"production".parse().unwrap(), &BTreeMap::new()).unwrap();
    resolved.services.into_values().next().unwrap().strategy
}

fn check(inside: &str) -> CheckSpec {
    strategy(&format!("blue-green: {{ checks: {{ c: {inside} }} }}")).checks.remove("c").unwrap()
}

#[test]
fn a_query_has_its_defaults() {
    let query = r#"{ prometheus: 'sum(rate(errors{revision="{revision}"}[1m]))', url: "http://127.0.0.1:9090", max: 1% }"#;
    let wanted = CheckSpec {
        source: CheckSource::Prometheus {
            url: "http://127.0.0.1:9090".into(),
            query: r#"sum(rate(errors{revision="{revision}"}[1m]))"#.into(),
            token: None,
        },
        min: None,
        max: Figure::new(0.01),
        every: Millis::seconds(10),
        timeout: Millis::seconds(5),
        failures: 2,
        unreachable: Unreachable::Hold,
        guard: true,
    };
    assert_eq!(check(query), wanted);
}

#[test]
fn everything_can_be_said() {
    let hook = "{ http: \"https://hooks.example.com/{service}?to={revision}\", expect: 204, token: HOOK_TOKEN, \
                every: 1m, timeout: 500ms, failures: 3, unreachable: fail }";
    let hook = check(hook);
    let url = "https://hooks.example.com/{service}?to={revision}".to_owned();
    assert_eq!(
        hook.source,
        CheckSource::Http { url, expect: Some(204), token: Some("HOOK_TOKEN".to_owned()) }
    );
    let rest = (hook.every, hook.timeout, hook.failures, hook.unreachable);
    assert_eq!(rest, (Millis::seconds(60), Millis(500), 3, Unreachable::Fail));
    let command = check("{ command: ./lag.sh, min: -1.5, max: 1e3, unreachable: pass }");
    assert_eq!((command.min, command.max), (Figure::new(-1.5), Figure::new(1000.0)));
    assert_eq!((command.timeout, command.unreachable), (Millis::seconds(30), Unreachable::Pass));
}

#[test]
fn a_token_that_nobody_set_is_told_before_anything_is_asked() {
    let text = "app: a\nservices:\n  web:\n    run: x\n    scale: 2\n    strategy: { rolling: { checks: { c: { http: http://h/, token: HOOK } } } }\n";
    let manifest = load(&Source::new("tidegate.yaml", text)).0.unwrap();
    let missing = |file: &BTreeMap<String, String>| {
        let resolved = manifest.resolve(&"production".parse().unwrap(), file).unwrap();
        resolved.missing_tokens().into_iter().map(|diagnostic| diagnostic.message).collect::<Vec<_>>()
    };
    let told = "the check `c` of `web` asks with the token in `HOOK`, which is not set";
    assert_eq!(missing(&BTreeMap::new()), [told]);
    assert!(missing(&[("HOOK".to_owned(), "s3cret".to_owned())].into()).is_empty());
}

#[test]
fn there_is_an_end_to_their_number() {
    let checks: Vec<String> = (0..17).map(|n| format!("c{n}: {{ command: x }}")).collect();
    let text = |checks: &[String]| {
        let checks = checks.join(", ");
        format!(
            "app: a\nservices: {{ web: {{ run: x, scale: 2, strategy: {{ rolling: {{ checks: {{ {checks} }} }} }} }} }}\n"
        )
    };
    let source = |checks: &[String]| Source::new("tidegate.yaml", text(checks));
    assert!(load(&source(&checks[..16])).1.is_empty());
    let too_many = load(&source(&checks)).1;
    assert_eq!(too_many.iter().map(|d| d.code.as_str()).collect::<Vec<_>>(), ["manifest::too-many"]);
}

#[test]
fn a_check_that_a_step_names_is_asked_there_unless_it_says_otherwise() {
    let steps = "steps: [check smoke, 5%, check both for 1m], checks: ";
    let checks = "{ smoke: { command: a }, both: { command: b, guard: true }, errors: { command: c } }";
    let strategy = strategy(&format!("canary: {{ {steps} {checks} }}"));
    let guards: Vec<_> =
        strategy.checks.iter().filter(|(_, check)| check.guard).map(|(name, _)| name).collect();
    assert_eq!(guards, ["both", "errors"]);
    let shown: Vec<String> = strategy.steps.iter().map(Step::to_string).collect();
    assert_eq!(shown, ["check smoke (max 10m)", "5%", "check both for 1m (max 11m)"]);
}
