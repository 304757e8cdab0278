//! Writes what Tidegate adds to flagd's language out in flagd's own, before anything is compiled.
//!
//! So the server, and every flagd client that gets the set by sync and evaluates by itself, say the same. The work is on the
//! JSON of the file: nothing here knows how rules are evaluated.

mod evaluators;
mod segments;

use serde_json::Value;

use crate::file::{Document, FlagFileError};
use crate::options::Fractional;

/// Rewrites all rules of the file.
pub(crate) fn lower(document: &mut Document, _fractional: Fractional) -> Result<(), FlagFileError> {
    segments::to_evaluators(&document.segments, &mut document.evaluators)?;
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
