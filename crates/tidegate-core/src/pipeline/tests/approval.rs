//! Whose consent counts.

use crate::model::{Approval, EnvironmentPolicy, RunOrigin, RunSource};
use crate::pipeline::{NoApproval, approvals_missing, may_approve};

fn source(author: &str, email: &str, by: &str, origin: RunOrigin) -> RunSource {
    RunSource { author: author.into(), email: email.into(), by: by.into(), origin, ..RunSource::default() }
}

fn approval(by: &str) -> Approval {
    Approval { by: by.into(), at_unix_ms: 0, why: None }
}

fn policy(approvals: u32, approvers: &[&str]) -> EnvironmentPolicy {
    let approvers = approvers.iter().map(|name| (*name).to_owned()).collect();
    EnvironmentPolicy { approvals, approvers, ..EnvironmentPolicy::default() }
}

fn ask(by: &str) -> Result<(), NoApproval> {
    let pushed = source("Ann Ample", "ann@example.org", "carl", RunOrigin::Push);
    may_approve(&policy(1, &[]), &[&pushed], &[], by)
}

#[test]
fn the_author_and_who_pushed_do_not_count_under_any_of_their_names() {
    for by in
        ["Ann Ample", "ann ample", "ann@example.org", "ANN@EXAMPLE.ORG", "ann", " ann ", "ann@elsewhere.net"]
    {
        assert_eq!(ask(by), Err(NoApproval::Author(by.trim().to_owned())), "{by}");
    }
    assert_eq!(ask("carl"), Err(NoApproval::Pushed("carl".into())));
    assert_eq!(ask("Carl@example.org"), Err(NoApproval::Pushed("Carl@example.org".into())));
    assert_eq!(ask(""), Err(NoApproval::Nobody));
    assert_eq!(ask("  "), Err(NoApproval::Nobody));
    for by in ["bob", "annabel", "ann-ample", "Ample"] {
        assert_eq!(ask(by), Ok(()), "{by}");
    }
}

#[test]
fn who_promotes_may_agree_where_somebody_else_wrote_and_pushed() {
    let pushed = source("Ann", "ann@example.org", "carl", RunOrigin::Push);
    let promoted = RunSource { by: "bob".into(), origin: RunOrigin::Promotion, ..pushed.clone() };
    let ask = |by| may_approve(&policy(1, &[]), &[&promoted, &pushed], &[], by);
    assert_eq!(ask("bob"), Ok(()));
    assert_eq!(ask("carl"), Err(NoApproval::Pushed("carl".into())));
    assert_eq!(ask("ann"), Err(NoApproval::Author("ann".into())));
}

#[test]
fn those_who_are_named_and_each_once() {
    let run = source("Ann", "ann@example.org", "ann", RunOrigin::Push);
    let policy = policy(2, &["ann", "Bob", "dora"]);
    let ask = |by, given: &[Approval]| may_approve(&policy, &[&run], given, by);
    assert_eq!(ask("bob", &[]), Ok(()));
    let refused = NoApproval::NotNamed { by: "eve".into(), may: policy.approvers.clone() };
    assert_eq!(refused.to_string(), "eve is not among those who may agree: ann, Bob, dora");
    assert_eq!(ask("eve", &[]), Err(refused));
    assert!(
        matches!(ask("bob@example.org", &[]), Err(NoApproval::NotNamed { .. })),
        "a list is taken by the letter"
    );
    assert_eq!(ask("BOB", &[approval("bob")]), Err(NoApproval::Again("BOB".into())));
    assert_eq!(ask("ann", &[]), Err(NoApproval::Author("ann".into())), "though named");
}

#[test]
fn one_person_counts_once() {
    let missing = |given: &[Approval]| approvals_missing(&policy(2, &[]), given);
    assert_eq!(missing(&[]), 2);
    assert_eq!(missing(&[approval("bob"), approval("Bob ")]), 1);
    assert_eq!(missing(&[approval("bob"), approval("dora"), approval("eve")]), 0);
}

#[test]
fn nobody_is_the_author_of_a_commit_without_one() {
    let run = source("", "", "", RunOrigin::Push);
    assert_eq!(may_approve(&policy(1, &[]), &[&run], &[], "bob"), Ok(()));
    let odd = source("", "@example.org", "", RunOrigin::Push);
    assert_eq!(may_approve(&policy(1, &[]), &[&odd], &[], "@other.org"), Ok(()));
}
