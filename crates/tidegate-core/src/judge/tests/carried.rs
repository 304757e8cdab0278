use super::*;
use crate::model::Verdict;

const ABOUT: &str = "rollout 1 of shop/eu/web";

/// The policy of a place that the candidate comes to after another.
fn after(judge: &Judge) -> Policy {
    let policy = Policy::default();
    let carried = judge.carry(ABOUT.to_owned(), &policy).expect("both ask the same");
    Policy { carried, ..policy }
}

/// Seconds until it is decided, with this many bad answers of the candidate in each.
fn decided(policy: &Policy, candidate: (u64, u64), stable: (u64, u64)) -> Decision {
    let mut judge = Judge::new(policy.clone());
    for second in 0..20_000 {
        judge.take(&window(second, candidate, stable));
        if judge.decided().verdict != Verdict::Continue {
            break;
        }
    }
    judge.decided()
}

#[test]
fn a_version_that_was_good_elsewhere_is_promoted_sooner_and_not_at_once() {
    let alone = decided(&Policy::default(), (10, 0), (90, 0));
    let next = decided(&after(&judge_of(&Policy::default(), 2_000, (10, 0), (90, 0))), (10, 0), (90, 0));
    assert_eq!((alone.verdict, next.verdict), (Verdict::Promote, Verdict::Promote));
    let share = next.candidate_requests as f64 / alone.candidate_requests as f64;
    assert!((0.3..0.6).contains(&share), "{} of {}", next.candidate_requests, alone.candidate_requests);
}

#[test]
fn a_version_that_was_suspected_elsewhere_is_taken_back_sooner_and_not_at_once() {
    let mut suspected = Judge::new(Policy::default());
    let mut second = 0;
    while suspected.evidence(Count::ErrorRate).0 < 4.5 {
        suspected.take(&window(second, (10, 1), (90, 1)));
        second += 1;
    }
    assert_eq!(suspected.decided().verdict, Verdict::Continue);
    let alone = decided(&Policy::default(), (10, 1), (90, 1));
    let next = decided(&after(&suspected), (10, 1), (90, 1));
    assert_eq!((alone.verdict, next.verdict), (Verdict::Abort, Verdict::Abort));
    let share = next.candidate_requests as f64 / alone.candidate_requests as f64;
    assert!((0.3..0.7).contains(&share), "{} of {}", next.candidate_requests, alone.candidate_requests);
}

/// However good it was elsewhere.
#[test]
fn a_fault_of_one_place_is_found_nearly_as_soon() {
    let alone = decided(&Policy::default(), (10, 1), (90, 0));
    let next = decided(&after(&judge_of(&Policy::default(), 20_000, (10, 0), (90, 1))), (10, 1), (90, 0));
    assert_eq!((alone.verdict, next.verdict), (Verdict::Abort, Verdict::Abort));
    assert!(next.candidate_requests <= alone.candidate_requests + 20, "{alone:?} {next:?}");
}

#[test]
fn from_place_to_place_half_of_what_decides_stays_to_be_seen() {
    let mut policy = Policy::default();
    for _ in 0..5 {
        let judge = judge_of(&policy, 20_000, (10, 0), (90, 1));
        assert_eq!(judge.decided().verdict, Verdict::Promote);
        policy = after(&judge);
        assert_eq!(policy.validate(), Ok(()));
        let (begins, wanted) = Judge::new(policy.clone()).evidence_for();
        assert!((0.3..=0.5 + 1e-9).contains(&(begins / wanted)), "{begins} of {wanted}");
        assert!(Judge::new(policy.clone()).evidence(Count::ErrorRate).0 >= -std::f64::consts::LN_2 - 1e-9);
    }
    let condemned = judge_of(&Policy::default(), 500, (10, 5), (90, 0));
    assert_eq!(condemned.decided().verdict, Verdict::Abort);
    let (begins, wanted) = Judge::new(after(&condemned)).evidence(Count::ErrorRate);
    assert!((begins / wanted - 0.5).abs() < 1e-9, "{begins} of {wanted}");
}

/// Where nothing errs there is nothing to clear it by: a person decides.
#[test]
fn a_version_that_was_condemned_elsewhere_is_not_promoted_by_silence() {
    let condemned = judge_of(&Policy::default(), 500, (10, 5), (90, 0));
    let silent = decided(&after(&condemned), (10, 0), (90, 0));
    assert_eq!(silent.verdict, Verdict::Continue);
    let cleared = decided(&after(&condemned), (10, 0), (90, 1));
    assert_eq!(cleared.verdict, Verdict::Promote);
}

#[test]
fn evidence_about_another_question_is_not_taken_on() {
    let judge = judge_of(&Policy::default(), 100, (10, 0), (90, 0));
    for other in [
        Policy { rho0: 1.5, ..Policy::default() },
        Policy { rho_m: 3.0, ..Policy::default() },
        Policy { floor: 0.001, ..Policy::default() },
    ] {
        assert_eq!(judge.carry(ABOUT.to_owned(), &other), None);
    }
    let stricter = Policy::default().with_alpha(0.1);
    let carried = judge_of(&Policy::default(), 500, (10, 5), (90, 0)).carry(ABOUT.to_owned(), &stricter);
    assert_eq!(Policy { carried: carried.unwrap(), ..stricter }.validate(), Ok(()));
}

#[test]
fn what_nothing_can_have_handed_on_is_refused() {
    let with = |carried: Carried| Policy { carried, ..Policy::default() }.validate();
    let nothing = Carried::default();
    assert_eq!(with(nothing.clone()), Ok(()));
    for wrong in [
        Carried { errors: 15.0, ..nothing.clone() },
        Carried { errors: f64::NAN, ..nothing.clone() },
        Carried { slow: [1.0, 1.0, 1.0, 1.0, 1.0, 20.0], ..nothing.clone() },
        Carried { ratio: 3.0, ..nothing.clone() },
        Carried { floor: 0.1, ..nothing.clone() },
        Carried { floor: 23.0, ..nothing },
    ] {
        assert_eq!(with(wrong.clone()).map_err(|error| error.name), Err("carried"), "{wrong:?}");
    }
}

#[test]
fn a_proof_has_what_its_judgement_began_with() {
    let policy = after(&judge_of(&Policy::default(), 2_000, (10, 0), (90, 0)));
    let windows: Vec<Window> = (0..600).map(|second| window(second, (10, 0), (90, 0))).collect();
    let bundle = Bundle::of("a rollout".to_owned(), policy, windows, Vec::new());
    assert_eq!(bundle.decision.verdict, Verdict::Promote);
    let text = serde_json::to_string(&bundle).unwrap();
    assert!(text.contains(ABOUT), "{text:.400}");
    let read: Bundle = serde_json::from_str(&text).unwrap();
    assert_eq!(read.check(), Ok(bundle.decision));
    let without = Bundle { policy: Policy::default(), ..read };
    assert!(without.check().is_err(), "without it the same counts decide nothing");
}
