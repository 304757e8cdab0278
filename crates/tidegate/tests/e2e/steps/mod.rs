//! Steps of pipelines as real processes in real workspaces, under a control loop that is ended and begun again between them. It runs in
//! this process: what a kill of it leaves is what dropping it leaves, for shims hold the steps.

mod beside;
mod ill;
mod yard;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use tidegate_core::model::{BesideSpec, RunState, StageState, StageWork, StepSpec};
use tidegate_core::time::{Millis, Moment};
use tidegate_store::Reader;

use yard::{WITHIN, Yard, stage, step};

fn span(from: Option<Moment>, to: Option<Moment>) -> u64 {
    to.unwrap().since(from.unwrap()).0
}

#[test]
fn a_step_has_its_files_its_neighbours_and_what_came_before_it() {
    let yard = Yard::new();
    let secrets: PathBuf = yard.path().join("secrets/shop.env");
    fs::write(&secrets, "TOKEN=s3cret\nOTHER=x\n").unwrap();
    fs::set_permissions(&secrets, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let db = BesideSpec {
        run: "exec python3 -m http.server --bind 127.0.0.1 \"$PORT\"".to_owned(),
        env: BTreeMap::new(),
        within: Millis::seconds(20),
    };
    let ask = "import os,urllib.request; print(urllib.request.urlopen('http://'+os.environ['DB_ADDRESS']+'/file').read().decode())";
    let unit = StepSpec {
        artifacts: vec!["out/*".to_owned()],
        beside: [("db".parse().unwrap(), db)].into(),
        ..step(
            "unit",
            &format!(
                "mkdir out && cp file out/copy && python3 -c \"{ask}\"; echo ${{TOKEN:-none}} $TIDEGATE_STEP"
            ),
        )
    };
    let secret = StepSpec {
        secrets: vec!["TOKEN".to_owned()],
        ..step("secret", "test \"$TOKEN\" = s3cret && test -z \"$OTHER\"")
    };
    let after = step("after", "cat out/copy; exit 3");
    let failing = StepSpec { retries: 1, ..after };
    yard.begin(vec![
        stage("build", StageWork::Build, &[]),
        stage("test", StageWork::Steps(vec![unit, secret]), &["build"]),
        stage("last", StageWork::Steps(vec![failing]), &["test"]),
        stage("deploy", StageWork::Deploy, &["last"]),
    ]);
    let run = yard.over();
    assert_eq!(run.state, RunState::Failed, "{run:#?}");
    assert_eq!(run.why.as_deref(), Some("`last` failed: after: exit code 3"));
    let states: Vec<StageState> = run.stages.iter().map(|stage| stage.state).collect();
    use StageState::{Cancelled, Failed, Succeeded};
    assert_eq!(states, [Succeeded, Succeeded, Failed, Cancelled]);
    let said = yard.output(&run, 1);
    assert!(said.contains(&"of the commit".to_owned()) && said.contains(&"none unit".to_owned()), "{said:?}");
    assert_eq!(yard.output(&run, 2), ["of the commit", "of the commit"], "two attempts");
    let left = |dir: &str| fs::read_dir(yard.path().join(dir)).unwrap().count();
    let deadline = Instant::now() + WITHIN;
    while left("workspaces") + left("units") > 0 {
        assert!(Instant::now() < deadline, "something is left behind");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_loop_that_is_ended_again_and_again_runs_each_step_once() {
    let mut yard = Yard::new();
    let steps: Vec<StepSpec> =
        (0..4).map(|n| step(&format!("s{n}"), &format!("sleep 0.3; echo step {n}"))).collect();
    yard.begin(vec![
        stage("build", StageWork::Build, &[]),
        stage("test", StageWork::Steps(steps), &["build"]),
        stage("deploy", StageWork::Deploy, &["test"]),
    ]);
    yard.until("its entry", |_| true);
    let mut ends = 0;
    let deadline = Instant::now() + WITHIN;
    while yard.see().is_none_or(|run| !run.state.is_over()) {
        assert!(Instant::now() < deadline, "{:#?}", yard.see());
        // Not in step with what it does.
        std::thread::sleep(Duration::from_millis(37 + 61 * (ends % 5)));
        yard.end();
        yard.start();
        ends += 1;
    }
    let run = yard.over();
    assert_eq!(run.state, RunState::Succeeded, "{run:#?}");
    assert!(ends > 3, "it was ended {ends} times");
    assert_eq!(yard.output(&run, 1), ["step 0", "step 1", "step 2", "step 3"]);
    let attempts: BTreeSet<usize> = run.stages[1].steps.iter().map(|step| step.attempts.len()).collect();
    assert_eq!(attempts, [1].into());
    let store = Reader::open(&yard.path().join("tidegate.db")).unwrap();
    let environment = "staging".parse().unwrap();
    assert_eq!(store.deploys_of(&run.app, &environment, 10).unwrap().len(), 1);
}

#[test]
fn a_step_costs_little_more_than_its_command() {
    let yard = Yard::new();
    let steps: Vec<StepSpec> = (0..20).map(|n| step(&format!("s{n}"), "true")).collect();
    yard.begin(vec![stage("test", StageWork::Steps(steps), &[])]);
    let run = yard.over();
    assert_eq!(run.state, RunState::Succeeded, "{run:#?}");
    let stage = &run.stages[0];
    let each = span(stage.began_at, stage.ended_at) as f64 / 20.0;
    let first = span(Some(run.created_at), stage.steps[0].began_at);
    println!("{each:.1} ms a step, the first {first} ms after the run was entered");
    // A debug build on a busy machine.
    assert!(each < 500.0, "{each} ms a step");
}
