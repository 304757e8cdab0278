//! No request is lost by a deploy: every strategy, several rollouts in a row, under load that accounts for each request.

use std::time::Duration;

use tidegate_core::model::StrategyKind;
use tidegate_load::report::Report;

use crate::support::{App, Load, Mix, SeenLog, Tidegate, figures, full, kill};

/// Requests a second.
const RATE: f64 = 520.0;
const HOST: &str = "bad.localhost";

/// How long retiring what no longer serves may take.
const RETIRED_WITHIN: Duration = Duration::from_secs(60);

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
    tidegate.wait_for("only two instances are left", RETIRED_WITHIN, |service| service.instances.len() == 2);
    let report = load.finish();

    show(kind, rollouts, &report);
    assert!(report.is_clean(), "{} lost requests:\n{report}\n{}", kind.as_str(), tidegate.story());
    assert!(report.sent as f64 / report.seconds > 500.0, "the load was lower than planned:\n{report}");
    assert_eq!(report.revisions.len(), rollouts + 1, "every revision answered: {:?}", report.revisions);
}

/// One line of the table of `bench/zero-loss`.
fn show(kind: StrategyKind, rollouts: usize, report: &Report) {
    let of = |names: &[&str]| names.iter().filter_map(|name| report.failures.get(name)).sum::<u64>();
    let counts = [
        report.sent,
        report.ok,
        report.failed + report.unfinished + report.unsent,
        of(&["reset", "closed_early", "stale_keepalive"]),
        of(&["timeout"]),
        report.duplicated,
        report.missing,
        report.retried,
    ];
    let rate = report.sent as f64 / report.seconds;
    let latency = report.latency_ms;
    let cells = [
        kind.as_str().to_owned(),
        rollouts.to_string(),
        format!("{:.0}", report.seconds),
        format!("{rate:.0}"),
    ]
    .into_iter()
    .chain(counts.map(|count| count.to_string()))
    .chain([latency.p50, latency.p99, latency.max].map(|ms| format!("{ms:.1}")));
    figures::show(&cells.collect::<Vec<_>>());
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

/// The other tests prove something only where a loss would show.
#[test]
fn the_load_notices_what_is_lost() {
    let (tidegate, app) = (Tidegate::up(), App::new());
    tidegate.deploy_well(&app);
    let load = Load::start(&tidegate, HOST, RATE, Mix::Everything, None);
    let killed = tidegate.service().instances;
    killed.iter().filter_map(|instance| instance.pid).for_each(|pid| kill(pid, 9));
    tidegate.wait_for("two others serve", RETIRED_WITHIN, |service| {
        let ready = service.instances.iter().filter(|instance| instance.state == "ready");
        ready.filter(|instance| killed.iter().all(|dead| dead.pid != instance.pid)).count() == 2
    });
    let report = load.finish();
    assert!(report.failed > 0 && !report.is_clean(), "both instances were killed under load:\n{report}");
}
