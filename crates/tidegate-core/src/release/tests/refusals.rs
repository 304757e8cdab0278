//! What is refused, and in which words.

use super::*;

fn said(told: &mut Told, asked: Asked) -> String {
    told.ask(asked).unwrap_err().to_string()
}

#[test]
fn another_version_names_who_was_quicker() {
    let mut told = Told::of("new-cart");
    told.ask(Asked { why: Some("it\nis time".to_owned()), ..Asked::new(Order::On, "ann") }).unwrap();
    let late = Asked { expect_version: Some(0), ..Asked::new(Order::Kill, "bob") };
    assert_eq!(
        said(&mut told, late),
        "new-cart is at version 1, not 0: ann changed it at 2026-12-01T00:00:00Z from \"as defined\" to \"on to everybody\" \
         (it is time)"
    );
    let in_time = Asked { expect_version: Some(1), ..Asked::new(Order::Kill, "bob") };
    assert!(matches!(told.ask(in_time), Ok(Ordered::Released(_))));
}

#[test]
fn an_entitlement_asks_for_a_reason() {
    let mut told = Told::of("paid");
    let asked = Asked { why: Some("  ".to_owned()), ..Asked::new(Order::On, "ann") };
    assert_eq!(said(&mut told, asked), "paid is of class entitlement: a release of it says why");
    let reason = Asked { why: Some("contract 7".to_owned()), ..Asked::new(Order::On, "ann") };
    assert!(matches!(told.ask(reason), Ok(Ordered::Released(_))));
}

#[test]
fn an_experiment_stays_as_it_is_while_it_runs() {
    let mut told = Told::of("new-cart");
    told.after(to(500_000));
    told.situation.experiment = true;
    for order in [Order::On, Order::Off, to(600_000), Order::Undo, Order::Rollback] {
        assert_eq!(told.ask(Asked::new(order, "ann")).unwrap_err().code(), "flag::experiment-runs");
    }
}

#[test]
fn nobody_is_watched_whom_the_gateway_cannot_draw_or_count() {
    let guarded = || Asked { guard: Some(GuardAsked::default()), ..Asked::new(to(200_000), "ann") };
    let mut told = Told::of("new-cart");
    told.situation.ruled_out = true;
    assert_eq!(told.ask(guarded()).unwrap_err().code(), "flag::nobody-to-draw");
    assert!(told.ask(Asked::new(to(100_000), "ann")).is_ok(), "it need not be watched");
    told.situation = Situation { guarded: 16, ..Situation::default() };
    let refused = told.ask(guarded()).unwrap_err();
    assert_eq!((refused.code(), refused.is_mistake()), ("flag::too-many-guards", false));
    assert_eq!(
        refused.to_string(),
        "16 flags are watched by the gateway already, and it watches no more of an environment"
    );
    told.situation.guarded = 15;
    assert!(told.ask(guarded()).is_ok());
}

#[test]
fn variants_have_to_be_there() {
    let mut colour = Told::of("colour");
    assert_eq!(
        said(&mut colour, Asked::new(Order::Variant("pink".to_owned()), "ann")),
        "colour has no variant `pink`: it has red, green, blue"
    );
    assert_eq!(
        said(&mut colour, Asked::new(Order::On, "ann")),
        "which variant of colour is meant by `on` is not clear: it has red, green, blue"
    );
    let mut told = Told::of("new-cart");
    told.after(Order::On);
    told.after(Order::Off);
    told.definition.variants.remove("on");
    assert_eq!(told.ask(Asked::new(Order::Undo, "ann")).unwrap_err().code(), "flag::no-variant");
}

#[test]
fn what_cannot_be_is_refused() {
    let mut told = Told::of("new-cart");
    let code = |told: &mut Told, order| told.ask(Asked::new(order, "ann")).unwrap_err().code();
    assert_eq!(code(&mut Told::of("asleep"), Order::On), "flag::disabled");
    assert_eq!(code(&mut told, Order::Undo), "flag::nothing-to-take-back");
    assert_eq!(code(&mut told, Order::Rollback), "flag::nothing-to-take-back");
    assert_eq!(code(&mut told, to(1_000_001)), "flag::invalid");
    let by = |by: &str| Order::Share { of: Millionths(1), variant: None, by: Some(by.to_owned()) };
    for bad in ["", "a b", "$flagd.timestamp", &"x".repeat(101)] {
        assert_eq!(code(&mut told, by(bad)), "flag::invalid", "{bad}");
    }
    let long = Asked { why: Some("x".repeat(501)), ..Asked::new(Order::On, "ann") };
    assert_eq!(told.ask(long).unwrap_err().code(), "flag::invalid");
    assert_eq!((told.state.version, told.history.len()), (0, 0));
}

#[test]
fn a_schedule_is_in_order_and_ahead() {
    let mut told = Told::of("new-cart");
    let mut why = |steps: Vec<(u64, Order)>| {
        let steps = steps.into_iter().map(|(from_unix_ms, order)| Timed { from_unix_ms, order }).collect();
        said(&mut told, Asked::new(Order::Schedule(steps), "ann"))
    };
    let far = NOW + 4_000 * 86_400_000;
    assert_eq!(why(vec![]), "the schedule of new-cart has no moment");
    assert_eq!(
        why(vec![(NOW + 2, Order::On), (NOW + 2, Order::Off)]),
        "the schedule of new-cart is not in order, the earliest moment first"
    );
    assert_eq!(why(vec![(NOW, Order::On)]), "the schedule of new-cart is over: all of its moments are past");
    assert_eq!(why(vec![(far, Order::On)]), "the schedule of new-cart looks more than ten years ahead");
    assert_eq!(
        why(vec![(NOW + 1, Order::Kill)]),
        "the schedule of new-cart has something else than variants and shares"
    );
    let many = (1..=51).map(|place| (NOW + place, Order::On)).collect();
    assert_eq!(why(many), "the schedule of new-cart has more than 50 moments");
}

#[test]
fn every_refusal_says_what_to_do() {
    let mut told = Told::of("new-cart");
    let refused = told.ask(Asked::new(Order::Undo, "ann")).unwrap_err();
    assert!(refused.help().contains("tidegate flag show new-cart"));
    assert!(!refused.is_mistake());
}
