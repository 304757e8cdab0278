//! What each order makes of a flag.

use super::*;
use crate::model::{GuardStep, ReleaseCause, RevisionNo, Scheduled, UserKey};
use crate::time::Millis;

#[test]
fn on_and_off_are_found_by_name_or_value() {
    assert_eq!(Told::of("new-cart").after(Order::On), variant("on"));
    let mut plain = Told::of("plain");
    assert_eq!(plain.after(Order::On), variant("yes"));
    assert_eq!(plain.after(Order::Off), turned_off("no"));
    assert_eq!(Told::of("colour").after(Order::Off), turned_off("blue"), "the safe one");
    assert_eq!(Told::of("colour").after(Order::Variant("green".to_owned())), variant("green"));
}

#[test]
fn a_share_is_cut_out_of_what_everybody_gets() {
    let mut told = Told::of("new-cart");
    assert_eq!(told.after(to(250_000)), share("on", "off", 250_000));
    assert_eq!(told.after(to(500_000)), share("on", "off", 500_000));
    assert_eq!(told.after(to(1_000_000)), variant("on"));
    assert_eq!(told.after(to(100_000)), share("on", "off", 100_000), "it may shrink");
    assert_eq!(told.after(to(0)), variant("off"));
    let mut colour = Told::of("colour");
    colour.after(Order::Variant("green".to_owned()));
    let blue = Order::Share { of: Millionths(1), variant: Some("blue".to_owned()), by: None };
    assert_eq!(colour.after(blue), share("blue", "green", 1));
}

#[test]
fn users_stay_told_apart_as_they_were() {
    let mut told = Told::of("new-cart");
    let by = |of, by: &str| Order::Share { of: Millionths(of), variant: None, by: Some(by.to_owned()) };
    let by_of = |serving: Serving| {
        let Serving::Share(share) = serving else { panic!("{serving:?}") };
        share.by
    };
    assert_eq!(by_of(told.after(by(100_000, "user.id"))), Some("user.id".to_owned()));
    assert_eq!(by_of(told.after(to(200_000))), Some("user.id".to_owned()));
    let refused = told.ask(Asked::new(by(300_000, "targetingKey"), "ann")).unwrap_err();
    assert!(matches!(refused, Refused::OtherUsers { .. }), "{refused}");
    told.after(Order::Off);
    assert_eq!(by_of(told.after(by(300_000, "targetingKey"))), None);
}

#[test]
fn a_kill_works_on_every_class_and_in_every_situation() {
    for (key, safe) in
        [("new-cart", "off"), ("paid", "off"), ("colour", "blue"), ("asleep", "off"), ("bare", "")]
    {
        let mut told = Told::of(key);
        told.situation = Situation {
            lacking: vec![RevisionNo(1)],
            mentioned: Vec::new(),
            open: Vec::new(),
            experiment: true,
            ..Situation::default()
        };
        told.ask(Asked::new(Order::Kill, "ann")).unwrap();
        assert_eq!(told.state.serving, Serving::Killed(safe.to_owned()), "{key}");
    }
}

#[test]
fn a_schedule_begins_with_what_is_served() {
    let mut told = Told::of("new-cart");
    told.after(Order::Share { of: Millionths(10_000), variant: None, by: Some("org".to_owned()) });
    let steps = vec![
        Timed { from_unix_ms: NOW - 1, order: to(250_000) },
        Timed { from_unix_ms: NOW + 60_000, order: Order::On },
    ];
    let Serving::Share(first) = share("on", "off", 250_000) else { unreachable!() };
    let first = Serving::Share(Share { by: Some("org".to_owned()), ..first });
    let Serving::Share(before) = share("on", "off", 10_000) else { unreachable!() };
    let before = Serving::Share(Share { by: Some("org".to_owned()), ..before });
    let expected = vec![
        Scheduled { from_unix_ms: 0, serving: before },
        Scheduled { from_unix_ms: NOW - 1, serving: first },
        Scheduled { from_unix_ms: NOW + 60_000, serving: variant("on") },
    ];
    assert_eq!(told.after(Order::Schedule(steps)), Serving::Schedule(expected));
}

#[test]
fn a_rollback_passes_over_what_tidegate_did_and_an_undo_does_not() {
    let mut told = Told::of("new-cart");
    told.after(to(50_000));
    told.ask(Asked::new(to(100_000), "ann")).unwrap();
    let own = |after: Serving| Step {
        after,
        guard: None,
        cause: ReleaseCause::Guard,
        why: "the share before did well".to_owned(),
    };
    let kept = step(&told.state, own(share("on", "off", 500_000)), NOW);
    told.keep(kept);
    assert_eq!(told.history[0].by, "tidegate");
    assert_eq!(told.after(Order::Undo), share("on", "off", 100_000));
    assert_eq!(told.after(Order::Undo), share("on", "off", 500_000), "an undo of an undo");
    let kept = step(&told.state, own(Serving::Killed("off".to_owned())), NOW);
    told.keep(kept);
    assert_eq!(told.after(Order::Undo), share("on", "off", 500_000), "a guard that was wrong");
    let mut told = Told::of("new-cart");
    told.after(to(50_000));
    told.after(to(100_000));
    let kept = step(&told.state, own(share("on", "off", 500_000)), NOW);
    told.keep(kept);
    assert_eq!(told.after(Order::Rollback), share("on", "off", 50_000));
}

#[test]
fn what_is_served_already_is_no_release() {
    let mut told = Told::of("new-cart");
    told.after(Order::On);
    let version = told.state.version;
    assert_eq!(told.ask(Asked::new(Order::On, "bob")).unwrap(), Ordered::Already);
    assert_eq!((told.state.version, told.history.len()), (version, 1));
}

#[test]
fn a_guard_goes_on_from_the_share_that_was_asked_for() {
    let guarded = |order, guard| Asked { guard: Some(guard), ..Asked::new(order, "ann") };
    let shares = |told: &Told| {
        told.state.guard.as_ref().unwrap().steps.iter().map(|step| step.of.0).collect::<Vec<_>>()
    };
    let mut told = Told::of("new-cart");
    told.ask(guarded(to(200_000), GuardAsked::default())).unwrap();
    assert_eq!(told.state.serving, share("on", "off", 200_000));
    assert_eq!(shares(&told), [200_000, 250_000, 500_000, 1_000_000]);
    told.ask(Asked::new(to(200_000), "ann")).unwrap();
    assert_eq!(told.state.guard, None, "the same share without a guard");
    assert!(!told.state.told.is_empty(), "whoever was told of it is told further");
    told.ask(guarded(Order::On, GuardAsked::default())).unwrap();
    assert_eq!((told.state.serving.clone(), shares(&told)[0]), (share("on", "off", 250_000), 250_000));
    let hold = Millis::seconds(9);
    let steps = vec![GuardStep { of: Millionths(600_000), hold }];
    let user = vec![UserKey::Cookie("sid".to_owned())];
    told.ask(guarded(to(300_000), GuardAsked { user: user.clone(), steps, hold: None })).unwrap();
    let guard = told.state.guard.clone().unwrap();
    assert_eq!((shares(&told), guard.steps[0].hold, guard.user), (vec![300_000, 600_000], hold, user));
    let shrinking = vec![GuardStep { of: Millionths(100_000), hold }];
    let refused = told.ask(guarded(to(300_000), GuardAsked { steps: shrinking, ..GuardAsked::default() }));
    assert!(matches!(refused, Err(Refused::Invalid(_))));
    assert_eq!(told.ask(guarded(Order::Kill, GuardAsked::default())), Err(Refused::NothingToGuard));
    let too_high = told.ask(guarded(to(1_000_000), GuardAsked::default()));
    assert!(matches!(too_high, Err(Refused::Invalid(_))), "nobody would watch it");
    let whole =
        GuardAsked { steps: vec![GuardStep { of: Millionths(1_000_000), hold }], ..GuardAsked::default() };
    assert!(matches!(told.ask(guarded(Order::On, whole)), Err(Refused::Invalid(_))));
    told.after(Order::On);
    let late = told.ask(guarded(Order::On, GuardAsked::default()));
    assert!(matches!(late, Err(Refused::Invalid(_))), "everybody has it");
    let mut paid = Told::of("paid");
    let asked = |guard| Asked { why: Some("contract".to_owned()), ..guarded(to(50_000), guard) };
    assert!(matches!(paid.ask(asked(GuardAsked::default())), Err(Refused::Invalid(_))));
    let user = vec![UserKey::Claim("sub".to_owned())];
    assert!(paid.ask(asked(GuardAsked { user, ..GuardAsked::default() })).is_ok());
}

#[test]
fn a_release_waits_for_the_code_where_that_is_asked_for() {
    let mut told = Told::of("new-cart");
    told.situation.lacking = vec![RevisionNo(3), RevisionNo(4)];
    let refused = told.ask(Asked::new(Order::On, "ann")).unwrap_err();
    assert_eq!(refused.to_string(), "new-cart is not in the code of r3, r4, which serves");
    told.ask(Asked { when_ready: true, ..Asked::new(Order::On, "ann") }).unwrap();
    assert_eq!((told.state.version, told.state.serving.clone()), (1, Serving::Defined));
    let (state, release) = ready(&told.state, NOW + 5).unwrap();
    assert_eq!((state.serving.clone(), state.waiting.clone()), (variant("on"), None));
    assert_eq!((release.by.as_str(), release.cause.clone()), ("ann", ReleaseCause::Ready));
    assert_eq!(ready(&state, NOW), None);
    told.after(Order::Off);
    assert_eq!(told.state.waiting, None, "the last word counts");
}

#[test]
fn a_flag_goes_to_its_safe_variant_with_its_code() {
    let (definition, mut state) = (definition("new-cart"), untouched("new-cart"));
    let cause = ReleaseCause::RolledBack(RevisionNo(2));
    let safe = |state: &FlagState| safe_step(&definition, state, cause.clone(), "gone".to_owned(), NOW);
    state.serving = variant("on");
    let (gone, release) = safe(&state).unwrap();
    assert_eq!(gone.serving, Serving::Killed("off".to_owned()));
    assert_eq!((release.cause.clone(), release.by.as_str()), (cause.clone(), "tidegate"));
    assert_eq!(safe(&gone), None);
    assert_eq!(safe_step(&super::definition("plain"), &untouched("plain"), cause, String::new(), NOW), None);
}

#[test]
fn an_archived_flag_comes_back_with_its_next_release() {
    let mut told = Told::of("new-cart");
    told.after(Order::On);
    told.situation.mentioned = vec![RevisionNo(7)];
    assert!(matches!(told.ask(Asked::new(Order::Archive, "ann")), Err(Refused::Mentioned { .. })));
    told.situation.mentioned.clear();
    told.situation.open = vec![RevisionNo(8)];
    assert!(matches!(told.ask(Asked::new(Order::Archive, "ann")), Err(Refused::PerhapsMentioned { .. })));
    told.situation.open.clear();
    told.after(Order::Archive);
    assert!(told.state.archived && told.state.version == 2);
    assert_eq!(told.ask(Asked::new(Order::Archive, "ann")).unwrap(), Ordered::Already);
    told.after(Order::On);
    assert!(!told.state.archived);
}

#[test]
fn a_kill_stays_until_the_schedule_begins() {
    let mut told = Told::of("new-cart");
    told.after(Order::Kill);
    let schedule = Order::Schedule(vec![Timed { from_unix_ms: NOW + 60_000, order: Order::On }]);
    let serving = told.after(schedule.clone());
    assert_eq!(serving.at(NOW), &Serving::Killed("off".to_owned()));
    assert_eq!(serving.at(NOW + 60_000), &variant("on"));
    assert_eq!(serving.at(NOW - 86_400_000), &Serving::Killed("off".to_owned()), "a clock that jumped back");
    let again = told.after(Order::Schedule(vec![Timed { from_unix_ms: NOW + 9, order: Order::On }]));
    assert_eq!(again.at(NOW), &Serving::Killed("off".to_owned()), "of a schedule what is served now");
    assert_eq!(
        again.to_string(),
        "at first killed: off to everybody, whatever the rules say, from 2026-12-01T00:00:00Z on to everybody"
    );
    assert!(matches!(Told::of("new-cart").after(schedule), Serving::Schedule(steps) if steps.len() == 1));
}

#[test]
fn what_waits_counts_and_is_taken_back_alone() {
    let mut told = Told::of("new-cart");
    told.after(to(100_000));
    told.situation.lacking = vec![RevisionNo(3)];
    let on = Asked { when_ready: true, expect_version: Some(1), ..Asked::new(Order::On, "ann") };
    told.ask(on.clone()).unwrap();
    assert_eq!((told.state.version, &told.history[0].cause), (2, &ReleaseCause::Waits));
    let refused = told.ask(Asked { by: "bob".to_owned(), ..on.clone() }).unwrap_err();
    assert!(matches!(refused, Refused::Changed { .. }), "{refused}");
    for order in [Order::Undo, Order::Rollback] {
        told.ask(Asked::new(order, "bob")).unwrap();
        assert_eq!((told.state.waiting.clone(), &told.history[0].cause), (None, &ReleaseCause::Withdrawn));
        assert_eq!(told.state.serving, share("on", "off", 100_000), "what is served stays");
        told.ask(Asked { expect_version: None, ..on.clone() }).unwrap();
    }
    let (state, release) = ready(&told.state, NOW).unwrap();
    told.keep((state, release));
    told.situation.lacking.clear();
    assert_eq!(told.after(Order::Undo), share("on", "off", 100_000));
}

#[test]
fn what_was_archived_comes_back_as_it_was() {
    let mut told = Told::of("new-cart");
    told.after(Order::Off);
    told.after(Order::On);
    told.after(Order::Archive);
    assert_eq!((told.after(Order::Undo), told.state.archived), (variant("on"), false));
    told.after(Order::Archive);
    told.situation.lacking = vec![RevisionNo(3)];
    told.ask(Asked { when_ready: true, ..Asked::new(Order::On, "ann") }).unwrap();
    assert!(told.state.archived && told.state.waiting.is_some());
    told.ask(Asked::new(Order::Undo, "ann")).unwrap();
    assert!(told.state.archived && told.state.waiting.is_none(), "only what waited is taken back");
}

#[test]
fn without_anything_safe_a_flag_is_not_served_once_its_code_is_gone() {
    let state = FlagState { serving: variant("two"), ..untouched("bare") };
    let cause = ReleaseCause::RolledBack(RevisionNo(2));
    let (gone, _) = safe_step(&definition("bare"), &state, cause.clone(), String::new(), NOW).unwrap();
    assert_eq!(gone.serving, Serving::Killed(String::new()));
    assert_eq!(safe_step(&definition("bare"), &gone, cause, String::new(), NOW), None);
}
