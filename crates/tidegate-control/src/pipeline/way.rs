//! Whether a commit may come into an environment. What is in force there says so: a commit does not make its own way.

use tidegate_core::model::{EnvironmentPolicy, Name, PipelineRun, RunNo, RunSource};
use tidegate_core::pipeline::{promotes_from, takes_pushes};
use tidegate_store::Reader;

use crate::answer::store_trouble;
use crate::plane::{Refusal, RefusalKind};
use crate::protection;

/// The rules in force in an environment, for a commit that is brought there. Refused where they do not let its branch in: what the
/// commit itself says counts once it has come there by them. `own`: that. `uploaded`: whether its files were, now or for a run before.
pub(super) fn may_come(
    store: &Reader,
    (app, environment): (&Name, &Name),
    (source, uploaded): (&RunSource, bool),
    own: &EnvironmentPolicy,
) -> Result<Option<EnvironmentPolicy>, Refusal> {
    let rules = protection::in_force(store, app, environment).map_err(store_trouble)?;
    if uploaded {
        takes_uploads(environment, rules.as_ref().unwrap_or(own))?;
    }
    let Some(rules) = rules else { return Ok(None) };
    let branch = source.branch.as_deref();
    // Where nothing is protected, whoever is of no branch may come as well: a folder could.
    if branch.map_or(!rules.protected, |branch| takes_pushes(&rules, branch)) {
        return Ok(Some(rules));
    }
    Err(another_way(environment, &rules, branch))
}

/// The rules in force for a run that is done once more, or that has waited: those of now, which may be others than when it began.
pub(crate) fn may_come_again(
    store: &Reader,
    run: &PipelineRun,
) -> Result<Option<EnvironmentPolicy>, Refusal> {
    if run.preview.is_some() {
        return Ok(None);
    }
    let place = (&run.app, &run.environment);
    let Some(from) = run.from else {
        return may_come(store, place, (&run.source, run.uploaded), run.own_policy());
    };
    let rules = protection::in_force(store, &run.app, &run.environment).map_err(store_trouble)?;
    if run.uploaded {
        takes_uploads(&run.environment, rules.as_ref().unwrap_or(run.own_policy()))?;
    }
    let Some(rules) = rules else { return Ok(None) };
    let earlier = store.pipeline_run(from).map_err(store_trouble)?.ok_or_else(|| way_unknown(run, from))?;
    let branch = run.source.branch.as_deref();
    if promotes_from(&rules, &earlier.environment, branch) {
        return Ok(Some(rules));
    }
    Err(another_way(&run.environment, &rules, branch))
}

fn takes_uploads(environment: &Name, rules: &EnvironmentPolicy) -> Result<(), Refusal> {
    if rules.protected { Err(not_from_git(environment, "these files were uploaded")) } else { Ok(()) }
}

/// The run whose build it carries on is forgotten: where it comes from cannot be held against the rules any more.
fn way_unknown(run: &PipelineRun, from: RunNo) -> Refusal {
    let environment = &run.environment;
    let message = format!("run {from}, whose build would come into {environment}, is forgotten");
    Refusal::new(RefusalKind::Conflict, "environment::rules", message)
        .help(format!("promote what succeeded since: `tidegate promote {environment}`"))
}

/// Nobody knows that what was uploaded are the files of its commit.
pub(super) fn not_from_git(environment: &Name, what: &str) -> Refusal {
    let message = format!("{environment} is protected: only commits that were pushed come there, and {what}");
    Refusal::new(RefusalKind::Conflict, "environment::protected", message)
        .help("push the commit: `git push $(tidegate git url) HEAD:BRANCH`")
}

fn another_way(environment: &Name, rules: &EnvironmentPolicy, branch: Option<&str>) -> Refusal {
    let takes = match &rules.promote_from {
        Some(from) => format!("what succeeded in {from}"),
        None => format!("pushes to {}", rules.branches.join(", ")),
    };
    let branch = branch.unwrap_or("no branch");
    let message =
        format!("{environment} takes {takes}, as the commit that came there last says; this is {branch}");
    Refusal::new(RefusalKind::Conflict, "environment::rules", message)
        .help("another way into it counts once the commit that says so has come there by the way of now")
}

#[cfg(test)]
mod tests {
    use tidegate_core::model::{EnvironmentState, Rules, RunOrigin};
    use tidegate_store::Store;

    use super::*;
    use crate::protection::test_run;

    /// A run that is done once more, into an environment that is protected.
    fn retried(uploaded: bool, from: Option<RunNo>) -> PipelineRun {
        let mut run = PipelineRun { uploaded, from, ..test_run() };
        run.source.origin = RunOrigin::Retry;
        run.policy.protected = true;
        run
    }

    #[test]
    fn what_was_uploaded_does_not_come_in_by_being_done_again() {
        let store = Store::in_memory().unwrap();
        assert_eq!(may_come_again(&store, &retried(false, None)), Ok(None));
        for from in [None, Some(RunNo(9))] {
            let refusal = may_come_again(&store, &retried(true, from)).unwrap_err();
            assert_eq!(refusal.code, "environment::protected");
        }
    }

    #[test]
    fn where_nobody_knows_where_it_comes_from_it_stays_out() {
        let mut store = Store::in_memory().unwrap();
        let run = retried(false, Some(RunNo(9)));
        let rules = Some(Rules { policy: run.policy.clone(), by: RunNo(1) });
        let kept =
            EnvironmentState { rules, ..EnvironmentState::new(run.app.clone(), run.environment.clone()) };
        store.transaction(|tx| tx.put_environment(&kept)).unwrap();
        assert_eq!(may_come_again(&store, &run).unwrap_err().code, "environment::rules");
    }
}
