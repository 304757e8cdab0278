//! A bad instance is not a bad revision.

use super::*;
use crate::model::{InstanceId, Verdict};

/// Three instances of the candidate that err so often in each second, for a minute.
fn judged(bad: [u64; 3]) -> (Judge, Instances) {
    let policy = Policy::default();
    let (mut judge, mut instances) = (Judge::new(policy.clone()), Instances::default());
    for second in 0..60 {
        let stable = Tally::of(90, u64::from(second % 10 == 0));
        let each: Vec<_> = bad
            .iter()
            .enumerate()
            .map(|(i, bad)| (InstanceId(format!("web-{i}")), Tally::of(4, *bad)))
            .collect();
        let candidate = each.iter().fold(Tally::default(), |sum, (_, tally)| sum.plus(tally));
        judge.take(&Window { second, stable, candidate });
        instances.take(&policy, &stable, &each);
    }
    (judge, instances)
}

#[test]
fn one_of_three_is_named_and_the_revision_goes_on() {
    let (judge, instances) = judged([0, 1, 0]);
    assert_eq!(judge.decided().verdict, Verdict::Abort, "the arm as a whole errs");
    let said = instances.judged(judge.policy(), &judge.decided());
    assert_eq!((said.verdict, said.code.as_str()), (Verdict::Continue, "bad-instance"));
    assert_eq!(said.instance, Some(InstanceId("web-1".to_owned())));
    assert_eq!(said.message, "web-1 errs and the other instances of the candidate do not: 60 bad of 240");
}

#[test]
fn all_of_them_are_the_revision() {
    let (judge, instances) = judged([1, 1, 1]);
    assert_eq!(instances.blamed(judge.policy()), None);
    let said = instances.judged(judge.policy(), &judge.decided());
    assert_eq!((said.verdict, said.code.as_str(), said.instance), (Verdict::Abort, "error-rate", None));
}

/// One that is worse than the others is no excuse where these are bad as well.
#[test]
fn the_worst_of_bad_ones_is_not_blamed() {
    let (judge, instances) = judged([4, 1, 1]);
    assert_eq!(instances.judged(judge.policy(), &judge.decided()).verdict, Verdict::Abort);
}

#[test]
fn good_ones_are_not_blamed_and_their_number_is_limited() {
    assert_eq!(judged([0, 0, 0]).1.blamed(&Policy::default()), None);
    let many: Vec<_> = (0..200).map(|i| (InstanceId(format!("web-{i}")), Tally::of(1, 0))).collect();
    let mut instances = Instances::default();
    instances.take(&Policy::default(), &Tally::of(9, 1), &many);
    let written = serde_json::to_value(&instances).unwrap();
    assert_eq!(written["rows"].as_array().unwrap().len(), crate::judge::instances::MOST_INSTANCES);
}
