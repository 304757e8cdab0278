//! Whoever can push a commit cannot make it a way of its own into a protected environment.

use std::fs;
use std::time::Duration;

use tidegate_core::view::{PipelineList, PipelineRunView};

use crate::support::{App, Repo, Tidegate, eventually, refused, type_in, typed_well};

const WITHIN: Duration = Duration::from_secs(20);

const MANIFEST: &str = r#"app: bad
services:
  web:
    run: exec python3 app.py
    probes: { startup: { http: /up, within: 20s }, ready: { http: /up, every: 100ms } }
    strategy: { canary: { steps: [50%, pause 1m, 100%], bake: 1s } }
environments:
  staging: { branch: main, services: { web: { strategy: { all-at-once: { bake: 100ms } } } } }
  production: { promote_from: staging, approvals: 1, protected: true }
env:
  BEHAVIOUR: good
  VERSION: "1"
"#;

/// Lets itself in, by every way there is.
const LAXER: &str = "{ promote_from: staging, automatic: true }";
const OPEN: &str = "{ branch: \"*\" }";

fn newest(tidegate: &Tidegate, app: &App) -> PipelineRunView {
    let list = typed_well(tidegate, app, "tidegate pipeline list --json");
    serde_json::from_str::<PipelineList>(&list).unwrap().runs.remove(0)
}

fn production(app: &App, says: &str) {
    let text = MANIFEST.replace("{ promote_from: staging, approvals: 1, protected: true }", says);
    fs::write(app.manifest(), text).unwrap();
}

#[test]
fn a_commit_comes_by_the_rules_in_force_and_what_it_says_counts_after_it() {
    let (tidegate, mut app) = (Tidegate::up(), App::new());
    fs::write(app.manifest(), MANIFEST).unwrap();
    let repo = Repo::of(&app);
    let (push, promote) = ("git push -q \"$(tidegate git url)\" HEAD:main", "tidegate promote production");
    typed_well(&tidegate, &app, push);
    typed_well(&tidegate, &app, promote);
    typed_well(&tidegate, &app, "USER=bob tidegate approve 2 --wait");

    // By a branch of its own, and by a promotion that asks nobody.
    production(&app, OPEN);
    repo.commit("Let everybody in");
    let output = type_in(&tidegate, &app, "git push -q \"$(tidegate git url)\" HEAD:feature");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        !output.status.success() && said.contains("production takes what succeeded in staging"),
        "{said}"
    );
    production(&app, LAXER);
    app.set("VERSION", "\"2\"");
    repo.commit("Ask nobody");
    typed_well(&tidegate, &app, push);
    let run = newest(&tidegate, &app);
    assert_eq!((run.environment.as_str(), run.run.0), ("staging", 3), "nothing came by itself");
    typed_well(&tidegate, &app, promote);
    let waits = |what: &str| {
        eventually(what, WITHIN, || {
            Some(newest(&tidegate, &app)).filter(|run| run.state.as_str() == "waiting")
        })
    };
    let run = waits("somebody is asked all the same");
    assert_eq!((run.environment.as_str(), run.approvals_needed), ("production", 1));
    refused(&tidegate, &app, "tidegate deploy -e production", "environment::protected");

    by_hand(&tidegate, &app);

    // Once somebody agreed, what it says is the rule.
    typed_well(&tidegate, &app, "USER=bob tidegate approve 4");
    eventually("it is let in step by step", WITHIN, || {
        (newest(&tidegate, &app).state.as_str() == "running").then_some(())
    });
    passed_over(&tidegate, &app);
    eventually("it came there", WITHIN, || {
        (newest(&tidegate, &app).state.as_str() == "succeeded").then_some(())
    });
    app.set("VERSION", "\"3\"");
    repo.commit("Come by yourself");
    typed_well(&tidegate, &app, push);
    let run = eventually("it comes by itself", WITHIN, || {
        Some(newest(&tidegate, &app)).filter(|run| run.environment == "production" && run.run.0 == 6)
    });
    assert_eq!(run.approvals_needed, 0);
    typed_well(&tidegate, &app, "tidegate pipeline cancel 6");
}

/// Nothing is run or begun there by hand.
fn by_hand(tidegate: &Tidegate, app: &App) {
    let code = "environment::protected";
    refused(tidegate, app, "tidegate run web -e production -- env", code);
    refused(tidegate, app, "tidegate rollout retry web -e production", code);
    refused(tidegate, app, "tidegate env remove production", code);
    let ran =
        typed_well(tidegate, app, "tidegate run web -e production --break-glass 'r1 is odd' -- echo odd");
    assert!(ran.contains("odd\n"), "{ran}");
    let told =
        "the protection of production was passed over by ann to run a one-off command with web: r1 is odd";
    assert!(tidegate.story().contains(told), "{}", tidegate.story());
}

/// A rollout is held and taken back by anybody; passed over by nobody.
fn passed_over(tidegate: &Tidegate, app: &App) {
    eventually("the rollout is there", WITHIN, || {
        type_in(tidegate, app, "tidegate rollout pause web -e production").status.success().then_some(())
    });
    refused(tidegate, app, "tidegate rollout promote web -e production", "environment::protected");
    typed_well(tidegate, app, "tidegate rollout resume web -e production");
    typed_well(tidegate, app, "tidegate rollout promote web -e production --break-glass 'it is urgent'");
}
