//! What is for which run.

use crate::model::{EnvironmentPolicy, Name, RunFilter};
use crate::pipeline::{promotes_from, takes_pushes};

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn texts(list: &[&str]) -> Vec<String> {
    list.iter().map(|text| (*text).to_owned()).collect()
}

#[test]
fn a_filter_says_for_which_runs_and_why_not() {
    let filter = RunFilter { branches: texts(&["main", "release/*"]), environments: vec![name("staging")] };
    assert!(filter.fits(Some("release/1"), &name("staging")));
    assert_eq!(filter.why_not(Some("main"), &name("staging")), None);
    let why = |branch, environment: &str| filter.why_not(branch, &name(environment)).unwrap();
    assert_eq!(why(Some("main"), "production"), "only for runs into staging");
    assert_eq!(why(None, "staging"), "only for runs of the branches main, release/*");
    assert_eq!(why(Some("x"), "qa"), "only for runs into staging and of the branches main, release/*");
    assert!(RunFilter::default().fits(None, &name("anything")));
}

#[test]
fn what_is_promoted_to_takes_no_pushes() {
    let mut policy = EnvironmentPolicy { branches: texts(&["main"]), ..EnvironmentPolicy::default() };
    assert!(takes_pushes(&policy, "main") && !takes_pushes(&policy, "x"));
    assert!(!promotes_from(&policy, &name("staging"), Some("main")));
    policy.promote_from = Some(name("staging"));
    assert!(!takes_pushes(&policy, "main"));
    assert!(promotes_from(&policy, &name("staging"), Some("main")));
    assert!(!promotes_from(&policy, &name("staging"), Some("x")), "its branches say which commits");
    assert!(!promotes_from(&policy, &name("qa"), Some("main")));
    policy.branches.clear();
    assert!(promotes_from(&policy, &name("staging"), None));
    assert!(!takes_pushes(&EnvironmentPolicy::default(), "main"));
}
