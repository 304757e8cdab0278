//! Checks alone: what answers mean, when a check passes, holds or takes back.

use proptest::prelude::*;

use super::*;
use crate::model::{CheckSource, CheckSpec, Figure, Unreachable};
use crate::time::{Millis, Moment};

fn spec(unreachable: Unreachable) -> CheckSpec {
    CheckSpec {
        source: CheckSource::Command("true".to_owned()),
        min: None,
        max: Figure::new(0.01),
        every: Millis::seconds(10),
        timeout: Millis::seconds(5),
        failures: 2,
        unreachable,
        guard: true,
    }
}

fn heard(at: u64, answer: Answer) -> Heard {
    Heard { asked_at: Moment(at), answer }
}

fn number(at: u64, value: f64) -> Heard {
    heard(at, Answer::Number(Figure::new(value).unwrap()))
}

fn nobody(at: u64) -> Heard {
    heard(at, Answer::None("connection refused".to_owned()))
}

/// The state after these answers, begun at 1,000.
fn after(spec: &CheckSpec, answers: &[Heard]) -> CheckState {
    let mut state = CheckState::begin(Moment(1_000));
    for answer in answers {
        state.take(spec, answer);
    }
    state
}

fn standing(spec: &CheckSpec, answers: &[Heard]) -> Standing {
    let state = after(spec, answers);
    let now = state.last.as_ref().map_or(state.since, |last| last.asked_at);
    state.standing("errors", spec, now)
}

fn held(standing: Standing) -> String {
    let Standing::Held(why) = standing else { panic!("{standing:?}") };
    why
}

#[test]
fn so_many_bad_answers_in_a_row_take_the_candidate_back() {
    let spec = spec(Unreachable::Hold);
    assert_eq!(standing(&spec, &[number(1_000, 0.01)]), Standing::Good, "the limit is allowed");
    let once = held(standing(&spec, &[number(1_000, 0.03)]));
    assert_eq!(once, "0.03 is more than 0.01; 1 of 2 bad answers in a row that take the candidate back");
    let Standing::Failed(cause) = standing(&spec, &[number(1_000, 0.03), number(2_000, 0.04)]) else {
        panic!("it failed twice")
    };
    assert_eq!(cause.code, "check-failed");
    assert_eq!(cause.message, "the check `errors` failed 2 times in a row: 0.04 is more than 0.01");
    let broken = [number(1_000, 0.03), number(2_000, 0.0), number(3_000, 0.03)];
    assert!(held(standing(&spec, &broken)).contains("1 of 2"), "a good answer ends the row");
}

#[test]
fn without_an_answer_it_is_held_and_never_taken_back_for_that() {
    let spec = spec(Unreachable::Hold);
    assert_eq!(held(standing(&spec, &[])), "it has not answered yet");
    let silent: Vec<Heard> = (1..100).map(|n| nobody(n * 1_000)).collect();
    assert_eq!(held(standing(&spec, &silent)), "connection refused");
    // It neither adds to the bad answers nor makes them good.
    let between = [number(1_000, 0.03), nobody(2_000), nobody(3_000)];
    assert_eq!(after(&spec, &between).failures, 1);
    assert!(matches!(standing(&spec, &[&between[..], &[number(4_000, 0.03)]].concat()), Standing::Failed(_)));
    assert_eq!(standing(&spec, &[&between[..], &[number(4_000, 0.0)]].concat()), Standing::Good);
}

#[test]
fn no_answer_can_be_made_to_fail_or_to_pass() {
    let twice = [nobody(1_000), nobody(2_000)];
    let Standing::Failed(cause) = standing(&spec(Unreachable::Fail), &twice) else { panic!("it failed") };
    assert_eq!(cause.code, "check-unreachable");
    let said = "the check `errors` could not be answered 2 times in a row: connection refused";
    assert_eq!(cause.message, said);
    assert_eq!(standing(&spec(Unreachable::Pass), &twice), Standing::Good);
    let last = after(&spec(Unreachable::Pass), &twice).last.unwrap();
    assert!(!last.answers && last.message.ends_with("that counts as passed"));
}

#[test]
fn an_old_answer_counts_no_more() {
    let spec = spec(Unreachable::Hold);
    let state = after(&spec, &[number(1_000, 0.0)]);
    assert_eq!(state.standing("errors", &spec, Moment(1_000 + 30_000)), Standing::Good);
    let late = state.standing("errors", &spec, Moment(1_000 + 30_500));
    assert_eq!(held(late), "it has not answered for 30s");
}

#[test]
fn an_answer_is_taken_once_and_only_while_the_check_counts() {
    let spec = spec(Unreachable::Hold);
    let mut state = CheckState::begin(Moment(1_000));
    assert_eq!(state.next_ask(&spec), Moment(1_000));
    assert!(!state.take(&spec, &number(999, 0.0)), "asked before it counted");
    assert!(state.take(&spec, &number(1_000, 0.5)));
    let once = state.clone();
    assert!(!state.take(&spec, &number(1_000, 0.5)) && state == once);
    assert_eq!(state.next_ask(&spec), Moment(11_000));
}

#[test]
fn only_what_is_news_is_told() {
    let spec = spec(Unreachable::Hold);
    let mut state = CheckState::begin(Moment(0));
    let answers = [
        number(1, 0.0),
        number(2, 0.0),
        nobody(3),
        nobody(4),
        number(5, 0.5),
        number(6, 0.5),
        number(7, 0.0),
    ];
    let news = answers.map(|answer| state.take(&spec, &answer));
    assert_eq!(news, [true, false, true, false, true, true, true]);
}

#[test]
fn it_has_passed_for_as_long_as_its_answers_say() {
    let spec = spec(Unreachable::Hold);
    let good = |at| number(at, 0.0);
    let state = after(&spec, &[good(1_000), good(6_000), good(11_000)]);
    assert_eq!(state.passed_for(Moment(0)), Some(Millis(10_000)));
    assert_eq!(state.passed_for(Moment(5_000)), Some(Millis(6_000)), "not longer than it is asked about");
    assert_eq!(state.passed_for(Moment(11_001)), None, "not asked since");
    let state = after(&spec, &[good(1_000), nobody(6_000), good(11_000)]);
    assert_eq!(state.passed_for(Moment(0)), Some(Millis::ZERO));
    assert_eq!(after(&spec, &[good(1_000), number(2_000, 1.0)]).passed_for(Moment(0)), None);
}

#[test]
fn limits_have_both_ends() {
    let spec = CheckSpec { min: Figure::new(5.0), max: Figure::new(7.5), ..spec(Unreachable::Hold) };
    assert_eq!(spec.wanted(), "5 to 7.5");
    let said = |value: f64| number(0, value).answered(&spec).message;
    assert_eq!((said(4.0), said(8.0)), ("4 is less than 5".into(), "8 is more than 7.5".into()));
    assert_eq!(said(7.5), "7.5 (5 to 7.5)");
}

#[test]
fn what_an_answer_says_is_short_and_one_line() {
    let spec = spec(Unreachable::Hold);
    let what = format!("a\nb{}", "c".repeat(1_000));
    let message = heard(0, Answer::Said { good: false, what }).answered(&spec).message;
    assert!(message.starts_with("a bc") && message.len() == 300, "{message}");
}

#[test]
fn places_are_filled_in_and_other_braces_left_alone() {
    let places = Places {
        app: "shop".into(),
        environment: "production".into(),
        service: "web".into(),
        revision: "r2".into(),
        stable: "r1".into(),
        address: Some("127.0.0.1:20001".into()),
    };
    let query = r#"sum(rate(errors{revision="{revision}",arm="{arm}",x=~"a{2}"}[1m])) / {nothing} {service"#;
    let filled = r#"sum(rate(errors{revision="r2",arm="candidate",x=~"a{2}"}[1m])) / {nothing} {service"#;
    assert_eq!(places.fill(query).unwrap(), filled);
    assert_eq!(places.fill("http://{address}/ok").unwrap(), "http://127.0.0.1:20001/ok");
    let nowhere = Places { address: None, ..places };
    assert_eq!(nowhere.fill("http://{address}/ok").unwrap_err(), "there is no {address} now");
    assert_eq!(nowhere.all().count(), 6);
}

fn answer() -> impl Strategy<Value = Answer> {
    prop_oneof![
        Just(Answer::Number(Figure::new(0.0).unwrap())),
        Just(Answer::Number(Figure::new(1.0).unwrap())),
        Just(Answer::None("nobody".to_owned())),
    ]
}

proptest! {
    /// Whatever is answered when: with `hold` only bad answers take back, and only so many in a row; nothing passes without
    /// a good answer; and taking it all again changes nothing.
    #[test]
    fn invariant_only_answers_decide(
        answers in prop::collection::vec((answer(), 1u64..40_000), 0..40),
        failures in 1u32..4,
    ) {
        let spec = CheckSpec { failures, ..spec(Unreachable::Hold) };
        let (mut state, mut at, mut row) = (CheckState::begin(Moment(0)), 0, 0);
        for (answer, after) in answers {
            at += after;
            let heard = heard(at, answer.clone());
            state.take(&spec, &heard);
            let good = match answer {
                Answer::Number(value) => value.get() < 0.5,
                Answer::None(_) | Answer::Said { .. } => false,
            };
            row = match answer {
                Answer::Number(_) if good => 0,
                Answer::Number(_) => row + 1,
                Answer::None(_) | Answer::Said { .. } => row,
            };
            let standing = state.standing("c", &spec, Moment(at));
            prop_assert_eq!(matches!(standing, Standing::Failed(_)), row >= failures);
            prop_assert_eq!(standing == Standing::Good, good && row < failures);
            let again = state.clone();
            prop_assert!(!state.take(&spec, &heard));
            prop_assert_eq!(&state, &again);
            let kept: CheckState = serde_json::from_str(&serde_json::to_string(&state).unwrap()).unwrap();
            prop_assert_eq!(&kept, &state, "a restart changes nothing");
        }
    }
}
