use tidegate_sim::campaign;
use tidegate_sim::run;
use tidegate_sim::story::Faults;

fn faults(word: &str) -> Faults {
    match word {
        "none" => Faults::None,
        "crash" => Faults::Crash,
        "all" => Faults::All,
        "judged" => Faults::Judged,
        other => panic!("no faults are called `{other}`"),
    }
}

#[test]
fn kept_seeds_break_nothing_any_more() {
    for line in include_str!("../../seeds.txt").lines().filter(|line| !line.starts_with('#')) {
        let mut words = line.split_whitespace();
        let (Some(seed), Some(kind)) = (words.next(), words.next()) else { continue };
        let report = campaign::play(seed.parse().unwrap(), faults(kind));
        assert_eq!(report.violation, None, "seed {line}");
    }
}

#[test]
fn stories_with_every_fault_break_nothing() {
    let totals = campaign::run_seeds(100_000..100_100, Faults::All, 2);
    assert_eq!(totals.violations, []);
    assert!(totals.crashes > 40 && totals.answered > 1_000, "the stories are not empty: {totals:?}");
}

/// Candidates are taken back for what the gateway counts of their answers, whatever else goes wrong.
#[test]
fn stories_judged_by_their_answers_break_nothing() {
    let totals = campaign::run_seeds(200_000..200_008, Faults::Judged, 2);
    assert_eq!(totals.violations, []);
    assert!(totals.answered > 2_000, "the stories are not empty: {totals:?}");
}

#[test]
fn a_kill_anywhere_leads_where_no_kill_would_have() {
    let totals = campaign::run_seeds(100_000..100_040, Faults::Crash, 2);
    assert_eq!(totals.violations, []);
    assert!(totals.crashes > 15, "{totals:?}");
}

#[test]
fn the_same_seed_gives_the_same_run() {
    for seed in 100_000..100_005 {
        let (first, second) = (run::play(seed, Faults::All, true), run::play(seed, Faults::All, true));
        assert!(first.trace.len() > 20, "the trace tells something");
        assert_eq!(first.trace, second.trace, "seed {seed}");
    }
}
