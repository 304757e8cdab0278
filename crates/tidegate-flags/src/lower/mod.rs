//! Writes what Tidegate adds to flagd's language out in flagd's own, before anything is compiled.
//!
//! So the server, and every flagd client that gets the set by sync and evaluates by itself, say the same. The work is on the
//! JSON of the file: nothing here knows how rules are evaluated.

mod evaluators;
mod macros;
mod moment;
mod prerequisites;
mod ramp;
mod schedule;
mod segments;

use serde_json::Value;

use self::macros::Macros;
use self::prerequisites::Prerequisites;
use crate::file::{Document, FlagFileError};
use crate::options::Fractional;

/// Rewrites all rules of the file.
pub(crate) fn lower(document: &mut Document, fractional: Fractional) -> Result<(), FlagFileError> {
    let segments = std::mem::take(&mut document.segments);
    segments::to_evaluators(&segments, &mut document.evaluators)?;
    let macros = Macros { segments: &segments };
    let mut prerequisites = Prerequisites::of(document);
    for (name, rule) in &mut document.evaluators {
        let rewritten = macros::rewrite(rule, &macros, &mut prerequisites);
        rewritten.map_err(|wrong| wrong.below(name).below("$evaluators"))?;
    }
    for (key, flag) in &mut document.flags {
        if let Some(rule) = &mut flag.targeting {
            let rewritten = macros::rewrite(rule, &macros, &mut prerequisites);
            let of_flag = |wrong: FlagFileError| {
                FlagFileError::of_flag(key, &format!("/targeting{}", wrong.pointer), wrong.message)
            };
            rewritten.map_err(of_flag)?;
        }
    }
    evaluators::expand(&mut document.evaluators)?;
    prerequisites.to_evaluators(document, fractional)?;
    evaluators::expand(&mut document.evaluators)
}

/// The evaluators that a rule names.
pub(crate) fn references(rule: Option<&Value>) -> Vec<&str> {
    let mut names = Vec::new();
    if let Some(rule) = rule {
        evaluators::names_in(rule, &mut names);
    }
    names
}
