//! Two revisions side by side: clients keep to theirs, what they do is counted, and a person ends it.

use std::time::Duration;

use tidegate_core::view::{OutcomeView, RolloutView};

use crate::support::{App, Tidegate, eventually, figures, get_with};

const HOST: &str = "bad.localhost";
const LONG: Duration = Duration::from_secs(60);
/// Every user asks so often; only users of the second version buy, and only some.
const VISITS: usize = 3;

/// Asks as one client does, and buys at the price of the second version. Whether it kept to its version.
fn visit(tidegate: &Tidegate) -> bool {
    let first = get_with(tidegate.gateway(), HOST, "/price", "").unwrap();
    let Some(cookie) = first.cookie else { return false };
    let kept = format!("cookie: {cookie}\r\n");
    let cheap = first.body.contains("\"8\"");
    let again = (1..VISITS).map(|_| get_with(tidegate.gateway(), HOST, "/price", &kept).unwrap().body);
    let keeps = again.collect::<Vec<_>>().iter().all(|body| body.contains("\"8\"") == cheap);
    if cheap {
        assert_eq!(get_with(tidegate.gateway(), HOST, "/echo", &kept).unwrap().status, 200);
    }
    keeps
}

fn outcome(view: &RolloutView, name: &str) -> Option<OutcomeView> {
    view.outcomes.iter().find(|outcome| outcome.name == name).cloned()
}

#[test]
fn users_keep_to_their_version_and_what_they_do_is_counted_until_a_person_ends_it() {
    let (mut tidegate, mut app) = (Tidegate::up(), App::new());
    let outcomes = "outcomes: { bought: GET /echo 2xx, quick: GET /price 2xx under 2s }";
    app.set("strategy", &format!("{{ a-b: {{ bake: 1s, for: 1h, {outcomes} }} }}"));
    tidegate.deploy_well(&app);
    tidegate.deploy_begin(app.next_version().env("PRICE", "8"));
    eventually("both serve", LONG, || {
        let view = tidegate.rollout();
        (view.id.0 == 2 && view.step_in_force && view.weight == 50).then_some(())
    });
    assert!((0..150).all(|_| visit(&tidegate)), "{}", tidegate.story());
    // Neither a new control plane nor anything else forgets what was counted.
    tidegate.kill9_control();
    tidegate.restart();
    assert!((0..150).all(|_| visit(&tidegate)), "{}", tidegate.story());
    let view = eventually("all is counted", LONG, || {
        let view = tidegate.rollout();
        let bought = outcome(&view, "bought")?;
        (bought.stable.0 + bought.candidate.0 == 300 * VISITS as u64 + bought.candidate.1).then_some(view)
    });
    let bought = outcome(&view, "bought").unwrap();
    assert_eq!((bought.stable.1, bought.counts.as_str()), (0, "GET /echo 2xx"));
    // A hundred clients in a row are shared out exactly.
    assert!(bought.candidate.1.abs_diff(150) <= 2, "{bought:?}");
    let (low, high) = bought.between.expect("so much is known");
    assert!(low > 0.0 && high < 0.6, "{bought:?}");
    let errors = outcome(&view, "errors").unwrap();
    let (low, high) = errors.between.unwrap();
    assert!(low < 0.0 && high > 0.0 && errors.difference == 0.0, "{errors:?}");
    assert!(outcome(&view, "quick").unwrap().stable.1 > 400);
    let shown = String::from_utf8(tidegate.run(&["rollout", "show", "web"]).stdout).unwrap();
    assert!(shown.contains("  outcome    bought: r1 0 of "), "{shown}");
    figures::show(&["bought".to_owned(), format!("{bought:?}")]);
    let output = tidegate.run(&["rollout", "promote", "web"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    eventually("the second version has won", LONG, || {
        (tidegate.rollout().phase == "succeeded").then_some(())
    });
    assert!(get_with(tidegate.gateway(), HOST, "/price", "").unwrap().body.contains("\"8\""));
}
