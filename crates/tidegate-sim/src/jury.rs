//! A judge that says what the candidate's command tells it to, so that a seed decides and nothing else.
//!
//! `judge:promote`, `judge:unsure` and `judge:none` say the same all the time; `judge:abort@2` takes the candidate back once
//! step 2 (from 0) or a later one is in force, `judge:abort@bake` in its bake time.

use tidegate_control::engine::Verdicts;
use tidegate_core::model::{Judged, Phase, Rollout, Verdict};

use crate::view::View;

/// What is said of every candidate now.
pub fn verdicts(view: &View) -> Verdicts {
    let services = view.services.iter();
    let said = services.filter_map(|(key, service)| {
        let rollout = service.rollout.as_ref()?;
        let run = &service.specs.get(&rollout.to)?.run;
        let word = run.split_whitespace().find_map(|word| word.strip_prefix("judge:"))?;
        Some((key.clone(), judged(word, rollout)?))
    });
    said.collect()
}

fn judged(word: &str, rollout: &Rollout) -> Option<Judged> {
    let verdict = match word.split_once('@') {
        Some(("abort", when)) if is_time(when, rollout) => Verdict::Abort,
        None if word == "none" => return None,
        None if word == "unsure" => Verdict::Inconclusive,
        Some(_) | None => Verdict::Promote,
    };
    let code = if verdict == Verdict::Abort { "error-rate" } else { "" };
    Some(Judged { verdict, code: code.to_owned(), message: format!("so says `{word}`"), instance: None })
}

fn is_time(when: &str, rollout: &Rollout) -> bool {
    let position = &rollout.position;
    match when.parse::<u32>() {
        Ok(step) => position.since.is_some() && position.step >= step,
        Err(_) => rollout.phase == Phase::Promoting,
    }
}
