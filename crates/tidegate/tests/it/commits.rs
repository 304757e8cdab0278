//! `tidegate plan --commit`: of what Git has, whatever is in the folder now.

use std::path::Path;
use std::process::Command;

use serde_json::json;
use tidegate_core::view::PlanReport;

use crate::served::{Served, view};
use crate::stub::Answers;

/// Always the same author and time, so that a commit always has the same name.
fn git(folder: &Path, args: &[&str]) -> String {
    let mut command = Command::new("git");
    command.args([
        "-c",
        "user.name=Ann",
        "-c",
        "user.email=ann@example.com",
        "-c",
        "init.defaultBranch=main",
    ]);
    for name in ["GIT_AUTHOR_DATE", "GIT_COMMITTER_DATE"] {
        command.env(name, "2026-01-02T03:04:05Z");
    }
    let output =
        command.args(args).current_dir(folder).env("GIT_CONFIG_GLOBAL", "/dev/null").output().unwrap();
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn commit(folder: &Path, file: &str, text: &str, message: &str) -> String {
    std::fs::write(folder.join(file), text).unwrap();
    git(folder, &["add", "."]);
    git(folder, &["commit", "-qm", message]);
    git(folder, &["rev-parse", "HEAD"])
}

fn plan(serving: &str) -> PlanReport {
    view(json!({
        "app": "shop", "environment": "production", "build": "0123456789ab", "build_action": "make", "build_run": null,
        "revision": "r2", "revision_exists": false, "migrate": null, "services": [], "routes": [], "serving": serving,
        "warnings": ["production is protected: only runs of a pipeline change it"],
    }))
}

/// Two commits, the first of which serves, and a folder whose manifest is broken since.
fn repository() -> Served {
    let served = Served::new(Answers::default());
    let folder = served.terminal.dir.path();
    git(folder, &["init", "-q"]);
    let first = commit(folder, "server.js", "one\n", "Serve");
    commit(folder, "server.js", "two\n", "Serve \u{1b}[2Jmore");
    commit(folder, "cart.js", "cart\n", "Add a cart");
    std::fs::write(folder.join("tidegate.yaml"), "services: [").unwrap();
    served.stub.answers.lock().unwrap().plan = Some(plan(&first));
    served
}

#[test]
fn a_plan_of_a_commit_shows_the_code_that_comes() {
    insta::assert_snapshot!(repository().type_in(&["plan", "--commit", "main"]));
}

#[test]
fn a_plan_of_what_serves_says_so_and_one_that_goes_back_says_what_is_lost() {
    let served = repository();
    insta::assert_snapshot!(served.type_in(&["plan", "--commit", "main~2"]));
    let newest = git(served.terminal.dir.path(), &["rev-parse", "HEAD"]);
    served.stub.answers.lock().unwrap().plan = Some(plan(&newest));
    insta::assert_snapshot!(served.type_in(&["plan", "--commit", "main~2"]));
}

#[test]
fn what_is_no_commit_is_the_users_mistake() {
    let served = repository();
    for revision in ["nothing", "--upload-pack=x", ""] {
        let shown = served.type_in(&["plan", &format!("--commit={revision}")]);
        assert!(shown.starts_with("exit 1\n") && shown.contains("is no commit of the repository"), "{shown}");
    }
    assert!(served.stub.called().is_empty());
}
