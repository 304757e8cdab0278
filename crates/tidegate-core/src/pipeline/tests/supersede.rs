//! Which run overtakes which.

use serde_json::json;

use crate::model::{PipelineRun, RunNo, RunOrigin, RunState, StageState};
use crate::pipeline::supersedes;

/// A run of `main` into staging with a build and a deploy.
fn run(number: u64, deploy: StageState) -> PipelineRun {
    let stage = |name: &str, work: serde_json::Value| json!({ "name": name, "work": work, "needs": [], "when": { "branches": [], "environments": [] }, "parallel": false, "timeout": 1_000 });
    let ran = |name: &str, state: StageState| json!({ "name": name, "state": state, "why": null, "began_at": null, "ended_at": null, "steps": [], "deploy": null });
    let revision = json!({ "build": "0".repeat(64), "services": {}, "routes": [], "migrate": null });
    serde_json::from_value(json!({
        "number": number, "app": "shop", "environment": "staging",
        "source": { "commit": "a".repeat(40), "branch": "main", "author": "Ann", "email": "ann@example.org", "subject": "s", "by": "ann", "origin": "push" },
        "input": {
            "snapshot": "0".repeat(64), "build": "0".repeat(64), "build_run": null, "build_within_ms": 1, "revision": revision,
            "flags": null, "mentioned": [], "source": crate::model::BuildSource::default(), "manifest": ["tidegate.yaml", ""]
        },
        "spec": { "stages": [stage("build", json!("build")), stage("deploy", json!("deploy"))] },
        "policy": {},
        "stages": [ran("build", StageState::Succeeded), ran("deploy", deploy)],
        "state": "running", "why": null, "approvals": [], "from": null, "push": null, "next": null,
        "created_at": 0, "made_at_unix_ms": 0, "ended_at": null
    }))
    .unwrap()
}

fn newer(origin: RunOrigin) -> PipelineRun {
    let mut newer = run(2, StageState::Pending);
    newer.source.origin = origin;
    newer
}

#[test]
fn a_newer_commit_of_the_branch_overtakes_what_has_not_deployed() {
    for state in [StageState::Pending, StageState::Waiting] {
        assert!(supersedes(&newer(RunOrigin::Push), &run(1, state)), "{state:?}");
    }
    for state in [StageState::Running, StageState::Succeeded, StageState::Failed] {
        assert!(!supersedes(&newer(RunOrigin::Push), &run(1, state)), "{state:?}");
    }
    let mut entered = run(1, StageState::Waiting);
    entered.stages[1].deploy = Some(7);
    assert!(!supersedes(&newer(RunOrigin::Push), &entered));
}

#[test]
fn nothing_else_is_overtaken() {
    let older = run(1, StageState::Pending);
    let unlike = |change: fn(&mut PipelineRun)| {
        let mut newer = newer(RunOrigin::Push);
        change(&mut newer);
        supersedes(&newer, &older)
    };
    assert!(unlike(|_| {}));
    assert!(!unlike(|run| run.source.branch = Some("other".into())));
    assert!(!unlike(|run| run.source.branch = None));
    assert!(!unlike(|run| run.environment = "qa".parse().unwrap()));
    assert!(!unlike(|run| run.app = "other".parse().unwrap()));
    assert!(!unlike(|run| run.number = RunNo(1)), "itself");
    assert!(!unlike(|run| run.number = RunNo(0)), "the older one");
    assert!(!unlike(|run| run.source.origin = RunOrigin::Retry), "of what was there before");
    assert!(unlike(|run| run.source.origin = RunOrigin::Promotion));
    let mut over = older.clone();
    over.state = RunState::Failed;
    assert!(!supersedes(&newer(RunOrigin::Push), &over));
}
