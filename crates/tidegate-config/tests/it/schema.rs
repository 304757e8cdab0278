//! The JSON Schema, and that it knows the same keys as the reader.

use std::collections::BTreeSet;

use serde_json::Value;
use tidegate_config::{Source, load, schema};

#[test]
fn the_schema_is_as_committed() {
    insta::assert_snapshot!("schema", serde_json::to_string_pretty(&schema()).unwrap());
}

/// The keys the reader accepts: the ones it lists when it meets one it does not know.
fn keys_of_reader(text: &str) -> BTreeSet<String> {
    let (_, diagnostics) = load(&Source::new("tidegate.yaml", text));
    let unknown = diagnostics.iter().find(|d| d.code == "manifest::unknown-key").expect("`zzzz` is no key");
    let help = unknown.help.as_ref().unwrap();
    help.split('`')
        .skip(1)
        .step_by(2)
        .map(str::to_owned)
        .filter(|key| !help.starts_with(&format!("`{key}` has")))
        .collect()
}

fn keys_of_schema(definition: &Value) -> BTreeSet<String> {
    assert_eq!(definition["additionalProperties"], false);
    definition["properties"].as_object().unwrap().keys().cloned().collect()
}

#[test]
fn the_schema_and_the_reader_agree_on_every_key() {
    let schema = schema();
    let definitions = schema["$defs"].as_object().unwrap();
    let service = |inside: &str| format!("services: {{ web: {{ run: x, {inside} }} }}");
    let route = |inside: &str| format!("routes: [{{ host: a.b, {inside} }}]");
    let stage = |inside: &str| format!("pipeline: {{ stages: {{ s: {{ {inside} }} }} }}");
    let environment = |inside: &str| format!("environments: {{ e: {{ {inside} }} }}");
    let cases = [
        ("Service", service("zzzz: 1")),
        ("ServiceOverlay", "environments: { e: { services: { web: { zzzz: 1 } } } }".to_owned()),
        ("Job", "jobs: { j: { run: x, zzzz: 1 } }".to_owned()),
        ("JobOverlay", "environments: { e: { jobs: { j: { zzzz: 1 } } } }".to_owned()),
        ("Environment", "environments: { e: { zzzz: 1 } }".to_owned()),
        ("Build", "build: { zzzz: 1 }".to_owned()),
        ("Test", "test: { zzzz: 1 }".to_owned()),
        ("Pipeline", "pipeline: { zzzz: 1 }".to_owned()),
        ("Stage", stage("zzzz: 1")),
        ("StageWhen", stage("when: { zzzz: 1 }")),
        ("Step", stage("steps: [{ zzzz: 1 }]")),
        ("StepService", stage("steps: [{ run: x, services: { db: { zzzz: 1 } } }]")),
        ("Window", environment("windows: [{ zzzz: 1 }]")),
        ("Freeze", environment("freezes: [{ zzzz: 1 }]")),
        ("Preview", environment("preview: { zzzz: 1 }")),
        ("Notify", environment("notify: [{ zzzz: 1 }]")),
        ("Migrate", "migrate: { zzzz: 1 }".to_owned()),
        ("Expand", "migrate: { expand: { zzzz: 1 } }".to_owned()),
        ("Contract", "migrate: { run: x, contract: { zzzz: 1 } }".to_owned()),
        ("Route", "routes: [{ zzzz: 1 }]".to_owned()),
        ("Probes", service("probes: { zzzz: 1 }")),
        ("Probe", service("probes: { ready: { zzzz: 1 } }")),
        ("ScaleRange", service("scale: { zzzz: 1 }")),
        ("ScaleQueue", service("scale: { queue: { zzzz: 1 } }")),
        ("ScaleSchedule", service("scale: { schedule: [{ zzzz: 1 }] }")),
        ("StrategyOptions", service("strategy: { rolling: { zzzz: 1 } }")),
        ("StepMap", service("strategy: { canary: { steps: [{ zzzz: 1 }] } }")),
        ("StrategyCheck", service("strategy: { canary: { checks: { c: { zzzz: 1 } } } }")),
        ("Judge", service("strategy: { canary: { judge: { zzzz: 1 } } }")),
        ("Compare", service("strategy: { parallel-run: { compare: { zzzz: 1 } } }")),
        ("Stop", service("stop: { zzzz: 1 }")),
        ("Limits", service("limits: { zzzz: 1 }")),
        ("FeatureFlag", "flags: { a: { zzzz: 1 } }".to_owned()),
        ("Static", service("static: { zzzz: 1 }")),
        ("Traffic", service("traffic: { zzzz: 1 }")),
        ("Timeouts", service("traffic: { timeouts: { zzzz: 1 } }")),
        ("BalanceByHash", service("traffic: { balance: { zzzz: 1 } }")),
        ("Outliers", service("traffic: { outliers: { zzzz: 1 } }")),
        ("Concurrency", service("traffic: { concurrency: { zzzz: 1 } }")),
        ("Retries", service("traffic: { retries: { zzzz: 1 } }")),
        ("Breaker", service("traffic: { breaker: { zzzz: 1 } }")),
        ("Sticky", service("traffic: { sticky: { zzzz: 1 } }")),
        ("StickyCookie", service("traffic: { sticky: { cookie: { zzzz: 1 } } }")),
        ("Mirror", service("traffic: { mirror: { zzzz: 1 } }")),
        ("ArmRule", service("traffic: { arms: [{ zzzz: 1 }] }")),
        ("ArmWhen", service("traffic: { arms: [{ when: { zzzz: 1 } }] }")),
        ("Cohort", service("traffic: { arms: [{ when: { cohort: { zzzz: 1 } } }] }")),
        ("Https", route("https: { zzzz: 1 }")),
        ("Maintenance", route("maintenance: { zzzz: 1 }")),
        ("RateLimit", route("rate_limit: { zzzz: 1 }")),
        ("Cors", route("cors: { zzzz: 1 }")),
        ("BasicAuth", route("basic_auth: { zzzz: 1 }")),
        ("Redirect", route("redirect: { zzzz: 1 }")),
        ("Rewrite", route("rewrite: { zzzz: 1 }")),
        ("Headers", route("headers: { zzzz: 1 }")),
        ("HeaderEdit", route("headers: { request: { zzzz: 1 } }")),
        ("Compress", route("compress: { zzzz: 1 }")),
    ];
    assert_eq!(keys_of_schema(&schema), keys_of_reader("zzzz: 1"));
    for (definition, text) in &cases {
        let keys = keys_of_schema(&definitions[*definition]);
        assert!(!keys.is_empty());
        assert_eq!(keys, keys_of_reader(text), "{definition}");
    }
    let records = definitions.iter().filter(|(_, definition)| definition["properties"].is_object());
    let covered: BTreeSet<_> = cases.iter().map(|(definition, _)| *definition).collect();
    assert_eq!(records.map(|(name, _)| name.as_str()).collect::<BTreeSet<_>>(), covered);
}

#[test]
fn every_key_is_described_and_every_pattern_is_anchored() {
    fn visit(value: &Value, path: &str) {
        if let Some(properties) = value["properties"].as_object().filter(|_| !path.contains("Strategy/")) {
            for (key, property) in properties {
                assert!(property["description"].is_string(), "{path}: {key} has no description");
            }
        }
        if let Some(pattern) = value["pattern"].as_str() {
            assert!(pattern.starts_with('^') || pattern == "\\S", "{path}: {pattern}");
        }
        match value {
            Value::Object(map) => map.iter().for_each(|(key, inner)| visit(inner, &format!("{path}/{key}"))),
            Value::Array(items) => items.iter().for_each(|inner| visit(inner, &format!("{path}/"))),
            _ => {}
        }
    }
    visit(&schema(), "");
}
