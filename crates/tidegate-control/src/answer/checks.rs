//! How the checks of a rollout stand.

use tidegate_core::check::{CheckState, Counted, Standing};
use tidegate_core::model::{CheckSpec, Rollout};
use tidegate_core::rollout::counting;
use tidegate_core::time::Moment;
use tidegate_core::view::CheckView;

/// Every check of its strategy, by name.
pub(super) fn checks(rollout: &Rollout, now: Moment) -> Vec<CheckView> {
    // Once it is over nothing gets older.
    let now = rollout.ended_at.unwrap_or(now);
    let specs = rollout.effective.strategy.checks.iter();
    specs.map(|(name, spec)| view(name, spec, rollout, now)).collect()
}

fn view(name: &str, spec: &CheckSpec, rollout: &Rollout, now: Moment) -> CheckView {
    let state = rollout.checks.get(name);
    let last = state.and_then(|state| state.last.as_ref());
    let (word, message) = match state {
        None => ("idle", String::new()),
        Some(state) if counting(rollout).any(|(counts, ..)| counts == name) => {
            in_words(state, state.standing(name, spec, now))
        }
        Some(state) => as_it_was(name, spec, state),
    };
    CheckView {
        name: name.to_owned(),
        kind: spec.source.kind().to_owned(),
        asks: spec.source.to_string(),
        wanted: spec.wanted(),
        guard: spec.guard,
        state: word.to_owned(),
        message,
        value: last.and_then(|last| last.value).map(f64::from),
        failures: state.map_or(0, |state| state.failures),
        failures_allowed: spec.failures,
        seconds_ago: last.map(|last| now.since(last.asked_at).0 as f64 / 1_000.0),
    }
}

/// A check that counts no more, by its last answer.
fn as_it_was(name: &str, spec: &CheckSpec, state: &CheckState) -> (&'static str, String) {
    let asked_at = state.last.as_ref().map_or(state.since, |last| last.asked_at);
    match in_words(state, state.standing(name, spec, asked_at)) {
        ("passing", message) => ("passed", message),
        ("waiting", message) => ("idle", message),
        other => other,
    }
}

fn in_words(state: &CheckState, standing: Standing) -> (&'static str, String) {
    let last = state.last.as_ref();
    let bad = last.is_some_and(|last| last.counted == Counted::Bad);
    match standing {
        Standing::Good => ("passing", last.map(|last| last.message.clone()).unwrap_or_default()),
        Standing::Held(why) if bad => ("failing", why),
        Standing::Held(why) => ("waiting", why),
        Standing::Failed(cause) => ("failed", cause.message),
    }
}
