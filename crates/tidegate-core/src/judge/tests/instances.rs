//! A bad instance is not a bad revision.

use super::*;
use crate::judge::instances::{Suspicion, is_about_errors};
use crate::model::{InstanceId, Verdict};

/// Instances of the candidate with so many requests a second each that err so often in each of them; until the revision is to be
/// aborted, or for a minute.
fn judged(requests: u64, bad: &[u64]) -> (Judge, Instances) {
    let policy = Policy::default();
    let (mut judge, mut instances) = (Judge::new(policy.clone()), Instances::default());
    for second in 0..60 {
        let stable = Tally::of(90, u64::from(second % 10 == 9));
        let each: Vec<_> = bad
            .iter()
            .enumerate()
            .map(|(i, bad)| (InstanceId(format!("web-{i}")), Tally::of(requests, *bad)))
            .collect();
        let candidate = each.iter().fold(Tally::default(), |sum, (_, tally)| sum.plus(tally));
        judge.take(&Window { second, stable, candidate });
        instances.take(&policy, &stable, &each);
        if judge.decided().verdict == Verdict::Abort {
            break;
        }
    }
    (judge, instances)
}

fn blamed((judge, instances): &(Judge, Instances)) -> Option<InstanceId> {
    match instances.suspicion(judge.policy(), is_about_errors(&judge.decided())) {
        Suspicion::Of(row) => Some(row.instance().clone()),
        Suspicion::Perhaps(_) | Suspicion::Nobody => None,
    }
}

fn web(number: u32) -> Option<InstanceId> {
    Some(InstanceId(format!("web-{number}")))
}

/// As soon as the revision as a whole would be taken back, whatever the number of its instances.
#[test]
fn one_of_many_is_blamed_instead_of_the_revision() {
    for of in [2, 3, 5, 10] {
        let mut bad = vec![0; of];
        bad[1] = 4;
        let found = judged(4, &bad);
        assert_eq!(found.0.decided().verdict, Verdict::Abort, "the arm as a whole errs");
        assert_eq!(blamed(&found), web(1), "of {of}");
        let Suspicion::Of(row) = found.1.suspicion(found.0.policy(), true) else { panic!("it is blamed") };
        let n = row.blame();
        assert!(n.starts_with("web-1 errs and its siblings do not: ") && n.contains(" bad of "), "{n}");
    }
}

/// Three or four bad answers that are all one's of two may be chance: then it is waited for the next ones, and not long.
#[test]
fn where_it_may_be_chance_it_is_waited_for_a_few_more() {
    let (judge, instances) = judged(4, &[0, 1]);
    let total = judge.totals().1.bad;
    assert!(total <= 5, "{total}");
    let said = instances.judged(judge.policy(), &judge.decided());
    assert_eq!((said.verdict, said.code.as_str()), (Verdict::Continue, ""));
    assert!(said.message.ends_with("the instance or the revision"), "{}", said.message);
    let (mut judge, mut instances, policy) = (judge, instances, Policy::default());
    for (second, bad) in [(100, 1), (101, 1), (102, 1)] {
        let each =
            [(InstanceId("web-0".into()), Tally::of(4, 0)), (InstanceId("web-1".into()), Tally::of(4, bad))];
        judge.take(&Window { second, stable: Tally::of(90, 0), candidate: Tally::of(8, bad) });
        instances.take(&policy, &Tally::of(90, 0), &each);
    }
    assert_eq!(blamed(&(judge, instances)), web(1));
}

#[test]
fn all_of_them_are_the_revision() {
    for bad in [&[1, 1, 1][..], &[1, 1], &[4, 4], &[4; 10]] {
        let found = judged(4, bad);
        assert_eq!(blamed(&found), None);
        let said = found.1.judged(found.0.policy(), &found.0.decided());
        assert_eq!((said.verdict, said.code.as_str(), said.instance), (Verdict::Abort, "error-rate", None));
    }
}

/// One that is worse than the others is no excuse where these are bad as well.
#[test]
fn the_worst_of_bad_ones_is_not_blamed() {
    let found = judged(4, &[4, 1, 1]);
    assert_eq!(blamed(&found), None);
    assert_eq!(found.1.judged(found.0.policy(), &found.0.decided()).verdict, Verdict::Abort);
}

/// One of many is found even where the revision as a whole is still good enough.
#[test]
fn one_that_hardly_shows_is_found_all_the_same() {
    let (policy, mut instances) = (Policy::default(), Instances::default());
    for second in 0..600_u64 {
        let due = |i: u64| (second + i * 37).is_multiple_of(100) || (i == 7 && second.is_multiple_of(4));
        let bad = |i: u64| u64::from(due(i));
        let each: Vec<_> = (0..20).map(|i| (InstanceId(format!("web-{i}")), Tally::of(5, bad(i)))).collect();
        instances.take(&policy, &Tally::of(100, 3), &each);
    }
    let Suspicion::Of(row) = instances.suspicion(&policy, false) else { panic!("{instances:?}") };
    assert_eq!(Some(row.instance()), web(7).as_ref());
}

#[test]
fn good_ones_are_not_blamed_and_their_number_is_limited() {
    assert_eq!(blamed(&judged(4, &[0, 0, 0])), None);
    let many: Vec<_> = (0..200).map(|i| (InstanceId(format!("web-{i}")), Tally::of(1, 0))).collect();
    let mut instances = Instances::default();
    instances.take(&Policy::default(), &Tally::of(9, 1), &many);
    let written = serde_json::to_value(&instances).unwrap();
    assert_eq!(written["rows"].as_array().unwrap().len(), crate::judge::instances::MOST_INSTANCES);
}
