//! An experiment on the gateway's own traffic: nobody posts anything, and it comes to a verdict. The control plane is killed in between, and
//! no user and no request counts twice.

use std::fs;
use std::time::Duration;

use tidegate_api::Client;
use tidegate_control::Scope;
use tidegate_core::experiment::{EventBatch, EventsTaken, Exposure};
use tidegate_core::view::{ExperimentView, PlanReport};

use crate::support::{App, Tidegate, eventually, get_with};

const HOST: &str = "bad.localhost";
const LONG: Duration = Duration::from_secs(30);
/// Users who come before the kill, while the control plane is dead, and after it is back.
const USERS: [std::ops::Range<u32>; 3] = [0..90, 90..180, 180..260];

/// An app with an experiment whose one variant fails always.
fn app(weights: &str) -> App {
    let mut app = App::new();
    let flag = format!(
        "class: experiment, owner: shop, source: elsewhere, targeting: {{ fractional: {weights} }},
        experiment: {{ users: 5000, within: 2s, user: 'header:x-user', metric: [gateway.errors, gateway.latency] }}"
    );
    let text = fs::read_to_string(app.manifest()).unwrap();
    fs::write(app.manifest(), format!("flags: {{ cart: {{ {flag} }} }}\n{text}")).unwrap();
    app.env("BAD_FLAG", "cart=on");
    app
}

/// Each of them asks twice; how many of these users meet the bad variant.
fn come(tidegate: &Tidegate, users: std::ops::Range<u32>) -> u64 {
    let ask = |user: u32| {
        let field = format!("x-user: user-{user}\r\n");
        get_with(tidegate.gateway(), HOST, "/", &field).unwrap().status
    };
    users.map(|user| [ask(user), ask(user)]).map(|two| u64::from(two[1] == 500)).sum()
}

fn show(tidegate: &Tidegate) -> Option<ExperimentView> {
    serde_json::from_slice(&tidegate.run(&["experiment", "show", "cart", "--json"]).stdout).ok()
}

/// An app says what it gave a user, by the name the gateway knows them by.
fn post(tidegate: &Tidegate, user: &str, variant: &str) -> EventsTaken {
    let (user, variant) = (user.to_owned(), variant.to_owned());
    let one = Exposure { flag: "cart".parse().unwrap(), variant, user, at: None };
    let batch = EventBatch { exposures: vec![one], metrics: Vec::new() };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let client = Client::unix(tidegate.data().join("api.sock"));
    runtime.block_on(client.exposures(&Scope::default(), &batch)).unwrap()
}

#[test]
fn the_gateways_traffic_alone_comes_to_a_verdict_and_a_kill_counts_nobody_twice() {
    let mut tidegate = Tidegate::up();
    tidegate.deploy_well(&app("[[on, 1], [off, 1]]"));
    // Nobody is told before the gateway has both files.
    let has = |file: &str, text: &str| {
        fs::read_to_string(tidegate.data().join("gateway").join(file)).is_ok_and(|found| found.contains(text))
    };
    let ready = || has("table.json", r#""experiment":true"#) && has("flags.json", r#""experiments":"#);
    eventually("the gateway has a part in it", LONG, || ready().then_some(()));
    let mut bad = come(&tidegate, USERS[0].clone());
    eventually("the first are seen", LONG, || show(&tidegate).filter(|view| view.seen > 20));
    tidegate.kill9_control();
    bad += come(&tidegate, USERS[1].clone());
    tidegate.restart();
    bad += come(&tidegate, USERS[2].clone());

    let all = u64::from(USERS[2].end);
    let view = eventually("all are counted", LONG, || show(&tidegate).filter(|view| view.counted == all));
    assert_eq!((view.seen, view.left_out), (all, Default::default()), "{view:?}");
    assert_eq!((view.verdict.as_str(), view.state.as_str()), ("worse", "running"), "{view:?}");
    let seen = |variant: &str| view.variants.iter().find(|arm| arm.variant == variant).unwrap();
    assert_eq!((seen("on").seen, seen("on").metrics[0].mean, seen("off").metrics[0].mean), (bad, 1.0, 0.0));
    assert!(seen("off").metrics[1].mean > 0.0, "it took some time: {view:?}");
    let (low, _) = seen("on").metrics[0].between.unwrap();
    assert!(low > 0.0);

    // Whoever posts means the same user.
    let one = if come(&tidegate, 7..8) == 1 { "on" } else { "off" };
    assert_eq!(post(&tidegate, "user-7", one), EventsTaken { repeated: 1, ..EventsTaken::default() });

    let moved = app("[[on, 3], [off, 1]]");
    let plan = tidegate.command(&["plan", "--json"]).arg(moved.path()).output().unwrap();
    let plan: PlanReport = serde_json::from_slice(&plan.stdout).unwrap();
    let planned = &plan.experiments[0];
    assert_eq!(
        (planned.flag.as_str(), planned.action.as_str()),
        ("cart", "remove"),
        "it has come to something"
    );
    assert!(planned.changes[0].contains("how users are dealt out"), "{planned:?}");

    // It ends, and the app is told further: it knows of the flag by that alone.
    assert!(tidegate.run(&["experiment", "stop", "cart"]).status.success());
    assert!(come(&tidegate, 0..10) > 0);
    let reports = tidegate.data().join("gateway/exposures");
    eventually("no report is left", LONG, || (fs::read_dir(&reports).unwrap().count() == 0).then_some(()));
    assert_eq!(show(&tidegate).unwrap().seen, all);
}
