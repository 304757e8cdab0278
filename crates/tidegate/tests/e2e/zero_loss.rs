//! No request is lost by a deploy: every strategy, several rollouts in a row, under load that accounts for each request.

use tidegate_core::model::StrategyKind;

use crate::support::{App, Load, Mix, SeenLog, Tidegate, full};

/// Requests a second.
const RATE: f64 = 520.0;
const HOST: &str = "bad.localhost";

fn lose_nothing(kind: StrategyKind) {
    let rollouts = if full() { 10 } else { 2 };
    let (tidegate, seen, mut app) = (Tidegate::up(), SeenLog::new(), App::new());
    app.set("strategy", &format!("{{ {}: {{ bake: 1s }} }}", kind.as_str()));
    app.env("SEEN_LOG", seen.path().to_str().unwrap());
    tidegate.deploy_well(&app);

    let load = Load::start(&tidegate, HOST, RATE, Mix::Everything, Some(&seen));
    for _ in 0..rollouts {
        tidegate.deploy_well(app.next_version());
    }
    let report = load.finish();

    println!("{} with {rollouts} rollouts\n{report}", kind.as_str());
    assert!(report.is_clean(), "{} lost requests:\n{report}", kind.as_str());
    assert_eq!(report.revisions.len(), rollouts + 1, "every revision answered: {:?}", report.revisions);
}

#[test]
fn all_at_once_loses_no_request() {
    lose_nothing(StrategyKind::AllAtOnce);
}

#[test]
fn rolling_loses_no_request() {
    lose_nothing(StrategyKind::Rolling);
}

#[test]
fn rolling_with_extra_batch_loses_no_request() {
    lose_nothing(StrategyKind::RollingWithExtraBatch);
}

#[test]
fn immutable_loses_no_request() {
    lose_nothing(StrategyKind::Immutable);
}

#[test]
fn blue_green_loses_no_request() {
    lose_nothing(StrategyKind::BlueGreen);
}
