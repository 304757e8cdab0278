//! Steps of strategies: both forms, what named kinds become, what is filled in.

use std::collections::BTreeMap;

use tidegate_config::{Manifest, Source, load, render_plain};
use tidegate_core::model::{Inconclusive, Match, Millionths, Name, Step, Sticky, Strategy, StrategyKind};
use tidegate_core::time::Millis;

fn manifest(service: &str) -> (Option<Manifest>, Vec<String>) {
    let source = Source::new("tidegate.yaml", format!("app: a\nservices:\n  web:\n    run: x\n{service}"));
    let (manifest, diagnostics) = load(&source);
    (manifest, diagnostics.iter().map(|diagnostic| render_plain(diagnostic, &source)).collect())
}

fn strategy_of(service: &str) -> Strategy {
    let (manifest, shown) = manifest(service);
    let manifest = manifest.unwrap_or_else(|| panic!("{}", shown.join("\n")));
    let production: Name = "production".parse().unwrap();
    let resolved = manifest.resolve(&production, &BTreeMap::new()).unwrap();
    resolved.services.into_values().next().unwrap().strategy
}

fn strategy(inside: &str) -> Strategy {
    strategy_of(&format!("    strategy: {inside}\n"))
}

fn shown(strategy: &Strategy) -> Vec<String> {
    strategy.steps.iter().map(Step::to_string).collect()
}

fn steps(items: &[&str]) -> Vec<Step> {
    let list: String = items.iter().map(|item| format!("          - {item}\n")).collect();
    strategy_of(&format!(
        "    strategy:\n      canary:\n        checks: {{ smoke: {{ command: ./smoke.sh }} }}\n        cohorts: {{ staff: {{ by: header:x-user, members: [ann] }} }}\n        steps:\n{list}"
    ))
    .steps
}

#[test]
fn a_canary_that_says_nothing_has_the_usual_steps() {
    let usual = strategy("canary");
    assert_eq!(shown(&usual), ["5% for 1m", "analyse until decided (max 30m)", "25% for 2m", "50% for 2m"]);
    assert_eq!((usual.inconclusive, usual.keep_failed), (Inconclusive::Hold, Millis::ZERO));
    let worker = strategy_of("    port: none\n    strategy: canary\n");
    assert_eq!(shown(&worker), ["25% for 2m", "50% for 2m"]);
}

#[test]
fn both_forms_say_the_same() {
    for (text, map) in [
        ("5% for 2m", "{ weight: 5%, for: 2m }"),
        ("5%", "{ weight: 5% }"),
        ("pause", "{ pause: true }"),
        ("pause 10m", "{ pause: 10m }"),
        ("pause for 10m", "{ pause: 10m }"),
        ("approve", "{ approve: true }"),
        ("analyse until decided (max 30m)", "{ analyse: 30m }"),
        ("analyse", "{ analyse: 30m }"),
        ("scale 3", "{ scale: 3 }"),
        ("scale 50%", "{ scale: 50% }"),
        ("header x-preview=1", "{ header: { x-preview: '1' } }"),
        ("header X-Preview for 5m", "{ header: X-Preview, for: 5m }"),
        ("cookie beta=on", "{ cookie: { beta: 'on' } }"),
        ("cohort staff for 1h", "{ cohort: staff, for: 1h }"),
        ("country nz, AU for 1h", "{ country: [NZ, au], for: 1h }"),
        ("country NZ", "{ country: NZ }"),
        ("mirror 10% for 5m", "{ mirror: 10%, for: 5m }"),
        ("check smoke (max 5m)", "{ check: smoke, max: 5m }"),
        ("check smoke", "{ check: smoke }"),
        ("check smoke for 1m (max 5m)", "{ check: smoke, for: 1m, max: 5m }"),
        ("5% for 2m", "\"5% for 2m\""),
    ] {
        let (text_form, map_form) = (steps(&[text]), steps(&[map]));
        let label = |step: &Step| step.to_string().to_lowercase();
        assert_eq!(
            text_form.iter().map(label).collect::<Vec<_>>(),
            map_form.iter().map(label).collect::<Vec<_>>()
        );
        let matches = |step: &Step| match step {
            Step::Audience { who, hold } => Some((who.any.clone(), *hold)),
            _ => None,
        };
        assert_eq!(
            text_form.iter().map(matches).collect::<Vec<_>>(),
            map_form.iter().map(matches).collect::<Vec<_>>()
        );
    }
}

#[test]
fn what_is_shown_can_be_written() {
    let all = [
        "5% for 2m",
        "header x-preview=1 for 90s",
        "cookie beta",
        "cohort staff",
        "country NZ, AU for 1h",
        "mirror 10%",
        "scale 3",
        "scale 50%",
        "pause",
        "pause 10m",
        "approve",
        "analyse until decided (max 30m)",
        "check smoke (max 5m)",
        "check smoke for 90s (max 5m)",
    ];
    let first = steps(&all);
    assert_eq!(first.iter().map(Step::to_string).collect::<Vec<_>>(), all);
    let again: Vec<String> = first.iter().map(Step::to_string).collect();
    assert_eq!(steps(&again.iter().map(String::as_str).collect::<Vec<_>>()), first);
}

#[test]
fn countries_come_in_waves_and_a_continent_is_a_region() {
    let waves = steps(&["country NZ, AU then EU for 1h"]);
    let [Step::Audience { who: first, hold }, Step::Audience { who: second, .. }] = &waves[..] else {
        panic!("{waves:?}")
    };
    assert_eq!(
        (first.label.as_str(), second.label.as_str(), *hold),
        ("country NZ, AU", "country EU", Millis::seconds(3_600))
    );
    assert!(matches!(&first.any[..], [Match::Country(codes)] if codes.len() == 2));
    assert!(matches!(&second.any[..], [Match::Region(codes)] if codes.contains("EU")));
}

#[test]
fn all_the_traffic_at_the_end_is_no_step_of_its_own() {
    assert_eq!(steps(&["5% for 2m", "100%"]), steps(&["5% for 2m"]));
}

#[test]
fn named_kinds_are_steps() {
    let phased = strategy(
        "{ phased: { each: 30m, waves: [header x-staff for 1h, \"country NZ, AU then EU\", 50%, approve] } }",
    );
    let expected =
        ["header x-staff for 1h", "country NZ, AU for 30m", "country EU for 30m", "50% for 30m", "approve"];
    assert_eq!(shown(&phased), expected);
    let ab = strategy("a-b");
    assert_eq!((ab.kind, shown(&ab)), (StrategyKind::AB, vec!["50% for 7d".to_owned(), "pause".to_owned()]));
    assert_eq!(ab.sticky, Some(Sticky::Cookie { max_age: Millis(7 * 86_400_000) }));
    let run = strategy("{ parallel-run: { max_differing: 0.5%, mirror: 20% } }");
    assert_eq!(shown(&run), ["mirror 20% for 10m", "analyse until decided (max 1h)"]);
    assert_eq!(run.judge.max_differing, Some(Millionths(5_000)));
    let both = strategy("{ parallel-adoption: { users: [header x-new=1, cookie new=1] } }");
    assert_eq!(shown(&both), ["header x-new=1", "cookie new=1", "pause"]);
}

#[test]
fn what_is_asked_of_the_judge_is_exact() {
    let said = strategy(
        "{ canary: { judge: { alpha: 0.5%, rho0: 1.1, rho_m: 3, floor: 0% }, inconclusive: abort, keep_failed: 10m } }",
    );
    let judge = &said.judge;
    assert_eq!(
        [judge.alpha, judge.beta, judge.rho0, judge.rho_m, judge.floor].map(|number| number.0),
        [5_000, 50_000, 1_100_000, 3_000_000, 0]
    );
    assert_eq!((said.inconclusive, said.keep_failed), (Inconclusive::Abort, Millis::seconds(600)));
}
