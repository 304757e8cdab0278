//! The table in short: fewer runs, the same seeds each time, and the same things wanted.

use crate::rows::{self, Row, Wanted};
use crate::trial::{Outcome, run};

fn rows(prefix: &str, seconds: u64) -> Vec<Row> {
    let all = rows::all().into_iter().filter(|row| row.name.starts_with(prefix));
    let rows: Vec<_> = all.map(|row| Row { seconds: seconds.min(row.seconds), ..row }).collect();
    assert!(!rows.is_empty(), "no row is called {prefix}");
    rows
}

fn reached(row: &Row, runs: u64) -> Outcome {
    let outcome = run(row, runs, 7);
    assert_eq!(row.wanted.missed_by(&outcome), None, "{}", row.name);
    outcome
}

#[test]
fn good_candidates_stay_where_fixed_lines_take_them_back() {
    for prefix in ["healthy 0.1 %", "healthy 0.9 %", "healthy 5 %"] {
        for row in rows(prefix, 900) {
            let outcome = reached(&row, if row.name.contains("900/s") { 10 } else { 40 });
            assert!(outcome.early == 0 && row.wanted == Wanted::FewAborts(0.005));
            if row.traffic.base >= 0.009 && row.traffic.candidate_rps <= 10.0 {
                assert!(outcome.aborted(2) > 0.9, "{}: a first failed sample is soon there", row.name);
            }
        }
    }
}

/// The middle of 150 runs is within some per cent of that of all.
#[test]
fn bad_candidates_are_found_as_soon_as_the_method_says() {
    let quick = [
        "fault 0.1 → 1 %",
        "fault 0.1 → 2 %",
        "fault 0.1 → 5 %",
        "fault 0.1 → 50 %",
        "slow: all",
        "slow: tail",
    ];
    for row in quick.into_iter().flat_map(|prefix| rows(prefix, 2_400)) {
        let Wanted::Found { expected, .. } = row.wanted else { continue };
        let wanted = Wanted::Found { most: 1.2 * expected, expected };
        let outcome = reached(&Row { wanted, ..row }, 150);
        assert_eq!(outcome.promoted, 0);
    }
}

#[test]
fn late_faults_are_found_and_bad_candidates_seldom_promoted() {
    for row in rows("late 0.1 → 5 %", 2_400) {
        let outcome = reached(&row, 40);
        assert!(outcome.aborted(0) + outcome.early as f64 / 40.0 > 0.99);
        assert!(outcome.median(0, |found| found.seconds).is_some_and(|seconds| seconds < 60));
    }
    for row in rows("promotion 1 → 2 %", 600) {
        reached(&row, 100);
    }
    for row in rows("promotion 0 → 0 %", 1_300) {
        reached(&row, 5);
    }
}

#[test]
fn a_restart_each_second_changes_nothing() {
    for row in rows("restart", 60) {
        assert!(row.restarts);
        reached(&row, 3);
    }
}
