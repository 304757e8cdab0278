//! `outcomes`: what is counted of users on both sides of an A/B.

use tidegate_core::model::OutcomeRule;

use super::options::RawOptions;
use crate::codes::{self, Code};
use crate::diagnostic::Diagnostic;
use crate::findings::Findings;
use crate::raw::text::{Rule, Text};

/// An answer that counts; its name is the key.
#[derive(Clone, Debug)]
pub(super) struct RawOutcome(OutcomeRule);

impl Rule for RawOutcome {
    const WHAT: &'static str = "an answer that counts";
    const CODE: Code = codes::BAD_OUTCOME;
    const PATTERN: &'static str = "^[A-Za-z*]+ +/[^ ]*( +([1-5]xx|[0-9]{3}|\\*))?( +under +[0-9]+m?s)?$";

    fn parse(text: &str) -> Result<Self, String> {
        OutcomeRule::parse("", text).map(RawOutcome)
    }
}

/// Bad answers, which are always counted, by this name.
const ERRORS: &str = "errors";
/// What they are.
const BAD: &str = "* /* 5xx";

/// What is counted: errors, and what the manifest names.
pub(super) fn outcomes_of(options: &RawOptions, findings: &mut Findings<'_>) -> Vec<OutcomeRule> {
    let named = options.outcomes.value().map_or(&[][..], |named| &named.0);
    let mut rules: Vec<OutcomeRule> = OutcomeRule::parse(ERRORS, BAD).into_iter().collect();
    for entry in named {
        let name = entry.name.to_string();
        let Some(Text(RawOutcome(rule))) = entry.value.value() else { continue };
        rules.retain(|known| known.name != name);
        rules.push(OutcomeRule { name, ..rule.clone() });
    }
    if rules.len() > OutcomeRule::MOST
        && let Some(at) = options.outcomes.get()
    {
        let message =
            format!("`outcomes` names {} and at most {} can be counted", named.len(), OutcomeRule::MOST - 1);
        findings
            .push(Diagnostic::error(codes::TOO_MANY, message).at(at.key, "").help("name those that decide"));
    }
    rules
}
