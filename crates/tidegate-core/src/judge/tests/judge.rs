//! When the judge says what.

use super::*;
use crate::model::Verdict;

#[test]
fn a_total_failure_is_aborted_in_seconds_and_stays_so() {
    let mut judge = judge_of(&Policy::default(), 5, (10, 10), (90, 0));
    let decision = judge.decided();
    assert_eq!((decision.verdict, decision.count), (Verdict::Abort, Count::ErrorRate));
    assert!(decision.at_second.is_some_and(|second| second <= 4) && decision.log_e >= decision.threshold);
    (5..2_000).for_each(|second| judge.take(&window(second, (10, 0), (90, 3))));
    assert_eq!(judge.decided(), decision);
    let judged = decision.judged();
    assert_eq!(judged.code, "error-rate");
    assert!(
        judged.message.starts_with("the candidate errs more than stable: candidate 40 bad of 40 (100.0 %)")
    );
}

#[test]
fn as_many_requests_as_asked_for_come_first() {
    let policy = Policy { min_requests: 500, ..Policy::default() };
    let decision = judge_of(&policy, 60, (10, 10), (90, 0)).decided();
    assert_eq!((decision.verdict, decision.candidate_requests), (Verdict::Abort, 500));
}

#[test]
fn a_fault_on_both_arms_is_no_reason() {
    assert_eq!(judge_of(&Policy::default(), 600, (10, 3), (90, 27)).decided().verdict, Verdict::Promote);
}

/// Without one bad answer on either side: the floor alone can be excluded.
#[test]
fn where_nothing_errs_the_candidate_is_promoted() {
    let decision = judge_of(&Policy::default(), 1_200, (10, 0), (90, 0)).decided();
    assert_eq!((decision.verdict, decision.judged().code.as_str()), (Verdict::Promote, "not-worse"));
    let strict = Policy { floor: 0.0, ..Policy::default() };
    assert_eq!(judge_of(&strict, 1_200, (10, 0), (90, 0)).decided().verdict, Verdict::Continue);
}

#[test]
fn without_traffic_it_is_inconclusive_and_another_step_goes_on() {
    let policy = Policy { max_seconds: Some(60), ..Policy::default() };
    let mut judge = judge_of(&policy, 100, (0, 0), (3, 0));
    let decision = judge.decided();
    assert_eq!((decision.verdict, decision.at_second), (Verdict::Inconclusive, Some(60)));
    assert_eq!(decision.judged().code, "inconclusive");
    judge.go_on(Some(60));
    assert_eq!(judge.decided().verdict, Verdict::Continue);
    (100..110).for_each(|second| judge.take(&window(second, (10, 10), (90, 0))));
    assert_eq!(judge.decided().verdict, Verdict::Abort);
}

#[test]
fn a_promotion_ends_where_an_abort_follows() {
    let mut judge = judge_of(&Policy::default(), 1_200, (10, 0), (90, 0));
    assert!(judge.was_promoted() && judge.is_final(true) && !judge.is_final(false));
    (1_200..1_260).for_each(|second| judge.take(&window(second, (10, 2), (90, 0))));
    assert_eq!(judge.decided().verdict, Verdict::Abort);
}

/// 4 bad of 12,000 where stable has none: certain, and too little to matter.
#[test]
fn what_is_under_the_floor_is_ignored() {
    let verdict = |floor: f64| {
        let mut judge = Judge::new(Policy { floor, beta: 1e-6, ..Policy::default() });
        (0..2_400).for_each(|second| {
            judge.take(&window(second, (10, u64::from(second % 300 == 299)), (90, 0)));
        });
        assert!(judge.excess() < 0.0005 && judge.evidence(Count::ErrorRate).0 > 5.3);
        judge.decided().verdict
    };
    assert_eq!((verdict(0.0), verdict(0.0005)), (Verdict::Abort, Verdict::Continue));
}

/// An hour of being good does not hide what comes then.
#[test]
fn a_fault_that_begins_late_is_found_sooner_than_by_the_whole() {
    let seconds = |late_weight: f64| {
        let mut judge = Judge::new(Policy { late_weight, ..Policy::default() });
        (0..3_600).for_each(|second| {
            let bad = u64::from(second % 10 == 0);
            judge.take(&window(second, (10, u64::from(second % 100 == 0)), (90, bad)));
        });
        assert_eq!(judge.decided().verdict, Verdict::Promote);
        let found = (3_600..7_200).find(|second| {
            judge.take(&window(*second, (10, 1), (90, u64::from(second % 10 == 0))));
            judge.decided().verdict == Verdict::Abort
        });
        found.unwrap() - 3_600
    };
    let (with, without) = (seconds(0.1), seconds(0.0));
    assert!(with <= 20 && with * 2 < without, "{with} s with it, {without} s without");
}

#[test]
fn a_slow_candidate_is_aborted_for_its_latency() {
    let mut judge = Judge::new(Policy::default());
    let slow = |n, slow| Tally { n, bad: 0, slow };
    for second in 0..300 {
        let (stable, candidate) = (slow(90, [45, 22, 9, 4, 1, 0]), slow(10, [7, 5, 3, 1, 0, 0]));
        judge.take(&Window { second, stable, candidate });
    }
    let decision = judge.decided();
    assert_eq!((decision.verdict, decision.judged().code.as_str()), (Verdict::Abort, "latency"));
}
