//! Expand, deploy, contract with real processes: each step once, over a kill too, and no way back past a one-way one.

use std::time::{Duration, Instant};

use tidegate_core::view::MigrationView;

use crate::support::{App, LOOK, Tidegate};

const LONG: Duration = Duration::from_secs(90);

fn migrated(tidegate: &Tidegate, what: &str, good: impl Fn(&MigrationView) -> bool) -> MigrationView {
    let until = Instant::now() + LONG;
    loop {
        if let Some(view) = tidegate.status().migration.filter(|view| good(view)) {
            return view;
        }
        assert!(Instant::now() < until, "not within {LONG:?}: {what}\n{}", tidegate.story());
        std::thread::sleep(LOOK);
    }
}

fn count(tidegate: &Tidegate, kind: &str) -> usize {
    tidegate.events().iter().filter(|event| event.kind == kind).count()
}

#[test]
fn the_contract_step_runs_once_after_its_window_and_closes_the_way_back() {
    let mut app = App::new();
    app.set(
        "migrate",
        "{ expand: { run: ./migrate.sh }, contract: { run: \"echo contracted\", after: 15s } }",
    );
    let mut tidegate = Tidegate::up();
    tidegate.deploy_well(&app);
    migrated(&tidegate, "the first contract step", |view| view.contract == "done");

    app.next_version();
    tidegate.deploy_well(&app);
    let view = migrated(&tidegate, "the window of r2", |view| view.contract_of.is_some_and(|of| of.0 == 2));
    assert_eq!((view.contract.as_str(), view.no_rollback_before.map(|of| of.0)), ("waiting", Some(1)));
    tidegate.kill9_control();
    tidegate.restart();
    migrated(&tidegate, "the contract step of r2", |view| view.contract == "done");
    assert_eq!(count(&tidegate, "migration.contract_started"), 2, "{}", tidegate.story());
    let begun = tidegate.events().into_iter().rfind(|event| event.kind == "migration.contract_started");
    let lines = tidegate.logs(&["--unit", &begun.unwrap().instance.unwrap()]);
    assert_eq!(lines.iter().map(|line| line.line.as_str()).collect::<Vec<_>>(), ["contracted"]);

    assert_eq!(tidegate.run(&["rollback", "web"]).status.code(), Some(1));
    assert_eq!(tidegate.service().stable.unwrap().revision.0, 2);
    // Forward is always possible.
    app.next_version();
    tidegate.deploy_well(&app);
}

#[test]
fn within_the_window_a_rollback_is_possible_and_drops_the_contract_step() {
    let mut app = App::new();
    let tidegate = Tidegate::up();
    tidegate.deploy_well(&app);
    app.next_version()
        .set("migrate", "{ run: ./migrate.sh, contract: { run: \"echo contracted\", after: 1h } }");
    tidegate.deploy_well(&app);
    migrated(&tidegate, "the window", |view| view.contract == "waiting");
    assert!(tidegate.run(&["rollback", "web"]).status.success());
    migrated(&tidegate, "the contract step is dropped", |view| view.contract == "none");
    assert_eq!(count(&tidegate, "migration.contract_started"), 0);
    // The same once more: what ran for the same build, command and variables is left out.
    let expanded = count(&tidegate, "migration.started");
    tidegate.deploy_well(&app);
    assert_eq!(count(&tidegate, "migration.started"), expanded, "{}", tidegate.story());
    assert_eq!(count(&tidegate, "migration.left_out"), 1);
    migrated(&tidegate, "the window begins anew", |view| view.contract == "waiting");
    // One-way from its first step: no way back at all.
    app.next_version().set("migrate", "{ run: ./migrate.sh, reversible: false }");
    tidegate.deploy_well(&app);
    assert_eq!(tidegate.run(&["rollback", "web"]).status.code(), Some(1));
}
