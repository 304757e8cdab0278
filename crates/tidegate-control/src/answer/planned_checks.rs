//! Checks in words, for `tidegate plan`: what is asked at a step, and what over the whole rollout.

use tidegate_core::model::{CheckSpec, Strategy, Unreachable};
use tidegate_core::time::Millis;

/// A step that asks a check. `else_` is what happens where it decides nothing.
pub(super) fn step((name, check): (&str, Option<&CheckSpec>), hold: Millis, else_: &str) -> String {
    let lasting = if hold == Millis::ZERO { String::new() } else { format!(" for {hold}") };
    let Some(check) = check else { return format!("wait for the check `{name}`; {else_}") };
    format!("until the check `{name}` passes{lasting}: {}; {else_}", asked(check))
}

/// The checks that hold over the whole rollout, a line each.
pub(super) fn guards(strategy: &Strategy) -> impl Iterator<Item = String> {
    let guards = strategy.checks.iter().filter(|(_, check)| check.guard);
    guards.map(|(name, check)| {
        format!("from the candidate's first request to the end, the check `{name}`: {}", asked(check))
    })
}

fn asked(check: &CheckSpec) -> String {
    let CheckSpec { source, every, failures, .. } = check;
    let bad = match failures {
        1 => "a bad answer takes it back".to_owned(),
        failures => format!("{failures} bad answers in a row take it back"),
    };
    let away = match check.unreachable {
        Unreachable::Hold => "without an answer it waits",
        Unreachable::Fail => "no answer is a bad one",
        Unreachable::Pass => "no answer is a good one",
    };
    format!("{source} every {every} is to give {}; {bad}; {away}", check.wanted())
}
