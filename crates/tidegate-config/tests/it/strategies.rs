//! Every strategy beside every kind of service: which can be had, as a table.

use tidegate_config::{Severity, Source, load};

/// Kinds of service, in the order of the table's columns.
const SERVICES: [(&str, &str); 7] = [
    ("web", "run: a, scale: 2"),
    ("one", "run: a"),
    ("fixed", "run: a, port: 8080"),
    ("worker", "run: a, port: none, scale: 2, probes: { ready: { command: b } }"),
    ("unprobed", "run: a, port: none, scale: 2"),
    ("files", "static: dist"),
    ("grpc", "run: a, scale: 2, traffic: { protocol: h2c }"),
];

/// Strategies with the least that they need to be said.
const STRATEGIES: [&str; 14] = [
    "all-at-once",
    "rolling",
    "rolling-with-extra-batch",
    "immutable",
    "blue-green",
    "canary",
    "canary: { steps: [5% for 1m] }",
    "canary: { steps: [mirror 5% for 1m, 5%] }",
    "canary: { steps: [scale 1, 5%] }",
    "phased: { waves: [5%, 50%] }",
    "phased: { waves: [header x-a] }",
    "a-b",
    "parallel-run",
    "parallel-adoption: { users: [header x-a] }",
];

/// `yes`, `no` where it is an error of its own code, `blind` where it is warned of.
fn fits(strategy: &str, service: &str) -> &'static str {
    let strategy = if strategy.contains(':') { format!("{{ {strategy} }}") } else { strategy.to_owned() };
    let text = format!("app: shop\nservices:\n  web: {{ {service}, strategy: {strategy} }}\n");
    let (_, diagnostics) = load(&Source::new("tidegate.yaml", text.clone()));
    for diagnostic in &diagnostics {
        let known =
            ["manifest::strategy-impossible", "manifest::strategy-blind"].contains(&diagnostic.code.as_str());
        assert!(known, "{text}{diagnostics:?}");
        assert!(diagnostic.help.is_some(), "{diagnostic:?} says what to do");
    }
    match diagnostics.first().map(|diagnostic| diagnostic.severity) {
        None => "yes",
        Some(Severity::Error) => "no",
        Some(_) => "blind",
    }
}

#[test]
fn every_strategy_beside_every_kind_of_service() {
    let mut table = format!("{:44}", "");
    SERVICES.iter().for_each(|(name, _)| table.push_str(&format!("{name:10}")));
    for strategy in STRATEGIES {
        table.push_str(&format!("\n{strategy:44}"));
        SERVICES.iter().for_each(|(_, service)| table.push_str(&format!("{:10}", fits(strategy, service))));
    }
    let table: String = table.lines().map(|line| format!("{}\n", line.trim_end())).collect();
    insta::assert_snapshot!(table);
}
