//! Users from seeds through whole experiments, looked at after every single one. `bench/experiments` has more of them.

use super::{Design, Drawn, Experiment, ExperimentKey, Metric, Verdict};
use crate::interval::Sequence;
use crate::time::Millis;

/// SplitMix64.
struct Chance(u64);

impl Chance {
    /// From 0 to 1.
    fn float(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }
}

fn begin(weights: &[u64], users: u64) -> Experiment {
    let drawn = weights.iter().enumerate();
    let design = Design {
        version: 1,
        drawn: drawn.map(|(at, weight)| Drawn { variant: format!("v{at}"), weight: *weight }).collect(),
        metrics: vec![Metric { name: "bought".to_owned(), limit: 1.0, more: true }],
        users,
        alpha: 0.05,
        within: Millis::ZERO,
        worth: None,
        rule: serde_json::Value::Null,
        meant: None,
        user: Vec::new(),
        by: None,
    };
    let name = |text: &str| text.parse().unwrap();
    let key =
        ExperimentKey { app: name("shop"), environment: name("production"), flag: "cart".parse().unwrap() };
    Experiment::begin(1, key, design, 0)
}

/// Deals `users` out by `shares` and has each buy with the chance of their variant.
fn run(seed: u64, experiment: &mut Experiment, shares: &[f64], rates: &[f64], users: u64) -> bool {
    let mut chance = Chance(seed);
    let mut missed = false;
    for _ in 0..users {
        let (mut place, mut rest) = (0, chance.float());
        while place + 1 < shares.len() && rest >= shares[place] {
            rest -= shares[place];
            place += 1;
        }
        experiment.on_seen(place, 0);
        let bought = if chance.float() < rates[place] { 1.0 } else { 0.0 };
        experiment.on_counted(place, &[bought], 0);
        missed |= experiment.findings().iter().any(|finding| {
            let truth = rates[finding.place] - rates[0];
            finding.between.is_some_and(|(low, high)| !(low..=high).contains(&truth))
        });
    }
    missed
}

/// What chance alone may add to a part of so many runs: 3 standard deviations.
fn at_most(part: f64, runs: u64) -> usize {
    let runs = runs as f64;
    (part * runs + 3.0 * (part * (1.0 - part) * runs).sqrt()).floor() as usize
}

#[test]
fn where_there_is_no_difference_none_is_found_however_often_one_looks() {
    let runs = 200;
    let wrong = (0..runs).filter(|seed| {
        let mut experiment = begin(&[1, 1], 1_500);
        let missed = run(seed * 7 + 1, &mut experiment, &[0.5, 0.5], &[0.2, 0.2], 1_500);
        assert_eq!(missed, matches!(experiment.verdict(), Verdict::Better(_) | Verdict::Worse));
        missed
    });
    let wrong = wrong.count();
    assert!(wrong <= at_most(0.05, runs), "{wrong} of {runs}");
}

#[test]
fn the_truth_lies_within_at_every_look_with_three_variants() {
    let runs = 100;
    let missed = (0..runs).filter(|seed| {
        let mut experiment = begin(&[2, 1, 1], 2_000);
        run(seed * 11 + 5, &mut experiment, &[0.5, 0.25, 0.25], &[0.3, 0.35, 0.25], 2_000)
    });
    let missed = missed.count();
    assert!(missed <= at_most(0.05, runs), "{missed} of {runs}");
}

#[test]
fn a_difference_is_found_and_stays_found() {
    let mut experiment = begin(&[1, 1], 4_000);
    run(3, &mut experiment, &[0.5, 0.5], &[0.2, 0.3], 4_000);
    assert_eq!(experiment.verdict(), Verdict::Better("v1".to_owned()));
    let found = experiment.decision.clone().unwrap();
    assert!(found.users < 2_500, "{found:?}");
    run(4, &mut experiment, &[0.5, 0.5], &[0.3, 0.2], 4_000);
    assert_eq!(experiment.decision.unwrap(), found);
}

#[test]
fn where_nothing_is_found_it_is_over_after_its_users() {
    let mut experiment = begin(&[1, 1], 600);
    run(2, &mut experiment, &[0.5, 0.5], &[0.2, 0.2], 599);
    assert_eq!((experiment.verdict(), experiment.holds_split()), (Verdict::Running, true));
    run(9, &mut experiment, &[0.5, 0.5], &[0.2, 0.2], 1);
    assert_eq!((experiment.verdict(), experiment.holds_split()), (Verdict::Futile, false));
}

#[test]
fn where_nothing_can_be_said_that_is_not_called_no_difference() {
    let mut experiment = begin(&[1, 1], 600);
    run(2, &mut experiment, &[0.5, 0.5], &[0.0, 0.0], 600);
    assert_eq!(experiment.verdict(), Verdict::Unclear("bought".to_owned()));
    assert!(experiment.message().contains("nothing can be said of bought"), "{}", experiment.message());
    assert!(!experiment.holds_split());
}

#[test]
fn each_interval_is_as_sure_as_all_together_need_it_to_be() {
    let mut experiment = begin(&[1, 1, 1], 3_000);
    experiment.design.metrics.push(Metric { name: "came".to_owned(), limit: 1.0, more: true });
    experiment.arms.iter_mut().for_each(|arm| arm.metrics.resize(2, super::Moments::default()));
    for user in 0..1_500_u32 {
        let value = f64::from(user % 2);
        (0..3).for_each(|place| drop(experiment.on_counted(place, &[value, value], 0)));
    }
    let variance = 2.0 * experiment.arms[0].metrics[0].variance() / 1_500.0;
    let margin = Sequence::new(0.05 / 4.0, 2_000.0).margin(variance, 3_000.0);
    let findings = experiment.findings();
    assert_eq!(findings.len(), 4);
    for finding in findings {
        let (low, high) = finding.between.unwrap();
        assert!(((high - low) / 2.0 - margin).abs() < 1e-12, "{finding:?}: {margin}");
    }
}

#[test]
fn a_variant_that_is_broken_is_found_though_none_of_its_users_buys() {
    let mut experiment = begin(&[1, 1], 4_000);
    run(3, &mut experiment, &[0.5, 0.5], &[0.2, 0.0], 1_500);
    assert_eq!(experiment.verdict(), Verdict::Worse);
}

#[test]
fn a_variant_whose_every_answer_is_bad_is_found_though_nothing_is_spread() {
    let errors = Metric { name: "gateway.errors".to_owned(), limit: 1.0, more: false };
    let mut experiment = begin(&[1, 1], 4_000);
    experiment.design.metrics = vec![errors];
    run(3, &mut experiment, &[0.5, 0.5], &[0.0, 1.0], 300);
    assert_eq!(experiment.verdict(), Verdict::Worse);
    let (low, high) = experiment.findings()[0].between.unwrap();
    assert!(low < 1.0 && 1.0 < high, "{low} {high}");
    let wrong = (0..100).filter(|seed| {
        let mut experiment = begin(&[1, 1], 1_500);
        experiment.design.metrics[0] = Metric { name: "gateway.errors".to_owned(), limit: 1.0, more: false };
        run(seed * 13 + 2, &mut experiment, &[0.5, 0.5], &[0.004, 0.004], 1_500)
    });
    assert!(wrong.count() <= at_most(0.05, 100), "where errors are rare");
}

#[test]
fn users_that_are_not_dealt_out_as_meant_make_it_invalid_for_good() {
    let mut experiment = begin(&[1, 1], 20_000);
    run(3, &mut experiment, &[0.6, 0.4], &[0.2, 0.3], 3_000);
    assert_eq!(experiment.verdict(), Verdict::Invalid);
    run(3, &mut experiment, &[0.4, 0.6], &[0.2, 0.3], 3_000);
    assert_eq!(experiment.verdict(), Verdict::Invalid);
    let wrong = (0..100).filter(|seed| {
        let mut experiment = begin(&[1, 1], 20_000);
        run(seed * 3, &mut experiment, &[0.5, 0.5], &[0.2, 0.2], 1_000);
        experiment.alarmed_at_unix_ms.is_some()
    });
    assert!(wrong.count() <= at_most(super::ALARM, 100));
}

#[test]
fn nothing_is_said_of_few_or_of_rare_events() {
    let mut experiment = begin(&[1, 1], 5_000);
    for user in 0..99 {
        experiment.on_counted(0, &[f64::from(user % 2)], 0);
        experiment.on_counted(1, &[f64::from(user % 3)], 0);
    }
    assert_eq!(experiment.findings()[0].between, None, "99 users of a side");
    let mut experiment = begin(&[1, 1], 5_000);
    for user in 0..1_000_u32 {
        experiment.on_counted(0, &[f64::from(u32::from(user % 500 == 0))], 0);
        experiment.on_counted(1, &[f64::from(u32::from(user % 250 == 0))], 0);
    }
    assert_eq!(experiment.findings()[0].between, None, "six events in all");
}

#[test]
fn who_crosses_over_is_no_longer_counted() {
    let mut experiment = begin(&[1, 1], 5_000);
    experiment.on_seen(0, 0);
    experiment.on_seen(1, 0);
    let values = experiment.on_counted(0, &[17.0], 0);
    assert_eq!(values, [1.0], "cut at the limit");
    experiment.on_counted(1, &[0.0], 0);
    experiment.on_crossed(0, Some(&values));
    experiment.on_crossed(1, None);
    assert_eq!((experiment.seen(), experiment.counted(), experiment.left_out.crossed), (2, 1, 2));
    let written = serde_json::to_string(&experiment).unwrap();
    assert_eq!(serde_json::from_str::<Experiment>(&written).unwrap(), experiment);
}
