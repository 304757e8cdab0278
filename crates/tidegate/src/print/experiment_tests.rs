//! Views in, text out.

use tidegate_core::experiment::{Design, Drawn, End, Experiment, ExperimentKey, Metric};
use tidegate_core::time::Millis;
use tidegate_core::view::{ExperimentList, ExperimentView};

use super::*;

fn begun() -> Experiment {
    let drawn = |variant: &str| Drawn { variant: variant.to_owned(), weight: 1 };
    let metric = |name: &str, limit, more| Metric { name: name.to_owned(), limit, more };
    let design = Design {
        version: 2,
        drawn: vec![drawn("off"), drawn("on")],
        metrics: vec![metric("bought", 1.0, true), metric("waited", 60.0, false)],
        users: 2_000,
        alpha: 0.05,
        within: Millis::seconds(60),
        worth: None,
        rule: serde_json::Value::Null,
        meant: None,
        user: Vec::new(),
        by: None,
    };
    let key = ExperimentKey {
        app: "shop".parse().unwrap(),
        environment: "production".parse().unwrap(),
        flag: "one-click".parse().unwrap(),
    };
    Experiment::begin(3, key, design, 0)
}

fn counted() -> Experiment {
    let mut experiment = begun();
    for user in 0..1_000_u32 {
        for place in 0..2 {
            experiment.on_seen(place, 0);
            let bought = if user % 10 < [1, 3][place] { 1.0 } else { 0.0 };
            experiment.on_counted(place, &[bought, f64::from(user % 7)], 0);
        }
    }
    experiment.on_seen(1, 0);
    experiment
}

fn view(experiment: &Experiment) -> ExperimentView {
    ExperimentView::of(experiment)
}

#[test]
fn what_was_found_is_said_with_its_interval() {
    insta::assert_snapshot!(super::experiment(&view(&counted())), @r"
    experiment 3 on one-click: running
      verdict    better: `on` is better than `off` in bought
      users      2001 seen, 2000 counted of 2000; 1 more within 1m
      off        1000 users, 1000 counted, meant 50 %
        bought   0.1 a user
        waited   2.997 a user
      on         1001 users, 1000 counted, meant 50 %
        bought   0.3 a user, +0.2 against off, between +0.1432 and +0.2568: better
        waited   2.997 a user, +0 against off, between -0.2933 and +0.2933
      sure       all intervals hold at all times together with 95 %
      split      as meant (evidence against it 0.0 of 6.9)
    next: `tidegate experiment stop one-click`, then release what you keep
    ");
}

#[test]
fn an_alarm_hides_every_interval() {
    let mut experiment = counted();
    for _ in 0..300 {
        experiment.on_seen(0, 0);
    }
    experiment.left_out.crossed = 4;
    experiment.left_out.late = 1;
    experiment.end = Some(End { at_unix_ms: 5, by: "ann".to_owned(), why: Some("broken".to_owned()) });
    insta::assert_snapshot!(super::experiment(&view(&experiment)), @r"
    experiment 3 on one-click: ended
      verdict    invalid: users were not dealt out as meant: the figures say nothing, and nothing may follow from them
      users      2301 seen, 2000 counted of 2000
      off        1300 users, 1000 counted, meant 50 %
        bought   0.1 a user
        waited   2.997 a user
      on         1001 users, 1000 counted, meant 50 %
        bought   0.3 a user, +0.2 against off, not to be believed
        waited   2.997 a user, +0 against off, not to be believed
      sure       all intervals hold at all times together with 95 %
      split      ALARM: users were not dealt out as meant; find out why before anything is believed
      left out   4 users seen with more than one variant, 1 events after their user's time
      ended      by ann: broken
    ");
}

#[test]
fn a_list_has_those_to_be_as_well() {
    let flag = "search".parse().unwrap();
    let broken = ExperimentView::before(&flag, Err("it has no end".to_owned()));
    let waiting = ExperimentView::before(&flag, Ok(begun().design));
    let list =
        ExperimentList { experiments: vec![broken, waiting, view(&begun())], ..ExperimentList::default() };
    insta::assert_snapshot!(experiments(&list), @r"
    FLAG       ID  STATE    VERDICT  USERS      MESSAGE
    search     -   broken   none     -          it has no end
    search     -   waiting  none     0 of 2000  no user was seen yet
    one-click  3   running  running  0 of 2000  0 of 2000 users are counted, and nothing is decided
    ");
    assert!(experiments(&ExperimentList::default()).starts_with("there are no experiments"));
}

#[test]
fn numbers_have_four_figures() {
    for (number, text) in [
        (0.0, "0"),
        (0.1, "0.1"),
        (0.123456, "0.1235"),
        (12.0, "12"),
        (1234.56, "1235"),
        (-0.00012345, "-0.0001234"),
    ] {
        assert_eq!(plain(number), text);
    }
}

#[test]
fn what_the_gateway_has_to_do_with_it_is_said() {
    let mut experiment = counted();
    experiment.design.user = vec!["cookie:session".parse().unwrap(), "header:X-User".parse().unwrap()];
    (experiment.left_out.unseen, experiment.left_out.dropped) = (2, 30);
    let text = super::experiment(&view(&experiment));
    assert!(text.contains("\n  gateway    tells users by cookie:session, header:x-user\n"), "{text}");
    assert!(text.contains("2 users the gateway never saw, 30 requests of users beyond the 1000"), "{text}");
}
