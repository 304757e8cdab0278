//! The releases that Tidegate makes itself: at a schedule's moment, and where a definition comes or goes.

use super::*;
use crate::model::{ReleaseCause, RevisionNo, Scheduled};

fn step_at(from_unix_ms: u64, serving: Serving) -> Scheduled {
    Scheduled { from_unix_ms, serving }
}

#[test]
fn a_moment_that_has_come_is_a_release_and_stays_so_when_the_clock_jumps_back() {
    let mut told = Told::of("new-cart");
    told.after(to(100_000));
    let schedule = vec![
        Timed { from_unix_ms: NOW + 1_000, order: to(500_000) },
        Timed { from_unix_ms: NOW + 2_000, order: Order::On },
    ];
    told.after(Order::Schedule(schedule));
    assert_eq!(begun(&told.state, NOW + 999), None);
    let first = begun(&told.state, NOW + 1_000).unwrap();
    assert_eq!((first.1.by.as_str(), &first.1.cause), ("tidegate", &ReleaseCause::Scheduled));
    told.keep(first);
    let rest = vec![step_at(0, share("on", "off", 500_000)), step_at(NOW + 2_000, variant("on"))];
    assert_eq!(told.state.serving, Serving::Schedule(rest));
    assert_eq!(told.state.serving.at(NOW - 86_400_000), &share("on", "off", 500_000));
    assert_eq!(told.state.serving.next_moment(NOW), Some(NOW + 2_000));
    assert_eq!(begun(&told.state, NOW + 1_500), None, "once");
    let last = begun(&told.state, NOW + 9_000).unwrap();
    told.keep(last);
    assert_eq!((told.state.serving.clone(), begun(&told.state, u64::MAX)), (variant("on"), None));
    assert_eq!(told.after(Order::Undo), share("on", "off", 100_000), "the whole schedule is taken back");
}

#[test]
fn moments_that_went_by_unseen_are_one_release() {
    let steps = vec![step_at(NOW + 1, variant("off")), step_at(NOW + 2, variant("on"))];
    let state = FlagState { serving: Serving::Schedule(steps), ..untouched("new-cart") };
    let (after, release) = begun(&state, NOW + 3).unwrap();
    assert_eq!((after.serving, after.version, release.version), (variant("on"), 1, 1));
    assert_eq!(begun(&FlagState { archived: true, ..state }, NOW + 3), None);
}

#[test]
fn what_was_released_ends_with_its_definition_and_comes_back_with_it() {
    let mut told = Told::of("new-cart");
    assert_eq!(left_force(&told.state, NOW), None, "nothing was released");
    told.after(to(250_000));
    let gone = left_force(&told.state, NOW).unwrap();
    told.keep(gone);
    assert_eq!((&told.state.serving, &told.history[0].cause), (&Serving::Defined, &ReleaseCause::Undefined));
    assert_eq!(left_force(&told.state, NOW), None);
    let back =
        |told: &Told| back_in_force(&told.definition, &told.state, told.history.first(), RevisionNo(1), NOW);
    let mut without = told.definition.clone();
    without.variants.remove("on");
    assert_eq!(back_in_force(&without, &told.state, told.history.first(), RevisionNo(1), NOW), None);
    let again = back(&told).unwrap();
    told.keep(again);
    assert_eq!((told.state.serving.clone(), back(&told)), (share("on", "off", 250_000), None));
    assert_eq!(told.after(Order::Undo), Serving::Defined, "before the share, not before it came back");
}

#[test]
fn off_is_off_for_those_whom_a_rule_names_too() {
    let staff = json!({"targetingKey": "ann", "staff": true});
    let mut told = Told::of("new-cart");
    told.after(Order::On);
    assert_eq!(told.after(Order::Off), turned_off("off"));
    let composed = compose(&document(), [&told.state]);
    let set =
        tidegate_flags::FlagSet::parse(&composed.to_string(), &tidegate_flags::Options::default()).unwrap();
    let context = tidegate_flags::Context::new(staff.as_object().unwrap().clone()).unwrap();
    assert_eq!(set.resolve("new-cart", &context, 0).unwrap().variant, Some("off"));
    assert_eq!(told.after(to(250_000)), share("on", "off", 250_000));
    assert_eq!(told.after(Order::Reset), Serving::Defined);
    assert_eq!(told.ask(Asked::new(Order::Reset, "ann")).unwrap(), Ordered::Already);
}

#[test]
fn an_archive_does_not_pass_an_experiment_nor_a_right_without_a_reason() {
    let mut told = Told::of("new-cart");
    told.situation.experiment = true;
    assert!(matches!(told.ask(Asked::new(Order::Archive, "ann")), Err(Refused::Experiment(_))));
    let mut paid = Told::of("paid");
    assert!(matches!(paid.ask(Asked::new(Order::Archive, "ann")), Err(Refused::NeedsWhy { .. })));
    assert!(paid.ask(Asked { why: Some("gone".to_owned()), ..Asked::new(Order::Archive, "ann") }).is_ok());
}
