//! A list of steps, each a text or a map, and the checks over the whole list.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use tidegate_core::model::{Audience, Match, Step};

use super::draft::{Draft, What};
use super::{map, text};
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::findings::Findings;
use crate::nearest::did_you_mean;
use crate::quote::quote;
use crate::raw::list::ListOf;
use crate::raw::read::{Place, Read};
use crate::span::{Span, Spanned};
use crate::tree::Value;

/// One item of the list: a text can be several steps.
#[derive(Clone, Debug)]
pub(super) struct RawStep(Vec<Draft>);

/// Steps as written.
pub(super) type RawSteps = ListOf<RawStep>;

/// Cohorts by name.
pub(super) type Cohorts = BTreeMap<String, Match>;

/// What steps can name.
#[derive(Debug, Default)]
pub(super) struct Known {
    pub(super) cohorts: Cohorts,
    pub(super) checks: BTreeSet<String>,
}

impl Read for RawStep {
    fn read(place: &Place<'_>, findings: &mut Findings<'_>) -> Option<Self> {
        match &place.node.value {
            Value::Text(text) | Value::Number(text) => {
                text::parse(text, place.node.span, findings).map(RawStep)
            }
            Value::Map(_) => map::parse(place, findings).map(RawStep),
            Value::Null | Value::Bool(_) | Value::List(_) | Value::Reported => {
                place.report_type("a step like `5% for 2m`", findings);
                None
            }
        }
    }
}

/// The steps of a list, every mistake in their order reported. What leads to all the traffic at its end is left out: that follows by itself.
pub(super) fn compile(steps: &Spanned<RawSteps>, known: &Known, findings: &mut Findings<'_>) -> Vec<Step> {
    let drafts: Vec<&Draft> = steps.value.0.iter().flat_map(|item| &item.value.0).collect();
    if drafts.is_empty() && !findings.failed() {
        findings.push(
            Diagnostic::error(codes::NO_VALUE, "there is no step")
                .at(steps.key, "nothing in it")
                .help("write some, like `[5% for 2m, analyse until decided, 50% for 5m]`, or remove the key to get the usual ones"),
        );
    }
    let mut compiled = Vec::new();
    let mut highest: Option<(u32, Span)> = None;
    for (index, draft) in drafts.iter().enumerate() {
        match &draft.what {
            What::Step(step) => {
                if let Step::Weight { percent, .. } = step {
                    check_order(*percent, draft.span, highest, findings);
                    highest = Some((*percent, draft.span));
                }
                if let Step::Check { name, .. } = step
                    && !known.checks.contains(name)
                {
                    findings.push(unknown_check(name, draft.span, &known.checks));
                }
                compiled.push(step.clone());
            }
            What::Everything if index + 1 < drafts.len() => findings.push(everything_early(draft.span)),
            What::Everything => {}
            What::Cohort(name, hold) => match known.cohorts.get(name) {
                Some(members) => {
                    let who = Audience { label: format!("cohort {name}"), any: vec![members.clone()] };
                    compiled.push(Step::Audience { who, hold: *hold });
                }
                None => findings.push(unknown_cohort(name, draft.span, &known.cohorts)),
            },
        }
    }
    if compiled.is_empty() && !drafts.is_empty() && !findings.failed() {
        findings.push(
            Diagnostic::error(codes::STEP_ORDER, "all the traffic at once is no way by steps")
                .at(steps.span, "")
                .help("write a step before it, like `5% for 2m`, or choose the strategy `blue-green`"),
        );
    }
    compiled
}

fn check_order(percent: u32, at: Span, before: Option<(u32, Span)>, findings: &mut Findings<'_>) {
    let Some((highest, there)) = before.filter(|(highest, _)| percent <= *highest) else { return };
    let message = format!("{percent}% is not more than the {highest}% before it");
    findings.push(Diagnostic::error(codes::STEP_ORDER, message).at(at, "not more").at(there, "before").help(
        "shares only grow: whoever has met the candidate stays with it; to wait longer write `pause 5m`",
    ));
}

fn everything_early(at: Span) -> Diagnostic {
    Diagnostic::error(codes::STEP_ORDER, "nothing can follow 100%")
        .at(at, "all the traffic")
        .help("100% is what follows the last step; leave it out, or put it last")
}

fn unknown_cohort(name: &str, at: Span, cohorts: &Cohorts) -> Diagnostic {
    let names = || cohorts.keys().map(String::as_str);
    let help = match cohorts.len() {
        0 => format!(
            "say who that is, beside `steps`: `cohorts: {{ {name}: {{ by: header:x-user, members: [ann] }} }}`"
        ),
        _ => format!("`cohorts` has {}", crate::quote::list(names())),
    };
    let message = format!("there is no cohort {}{}", quote(name), did_you_mean(name, names()));
    Diagnostic::error(codes::UNKNOWN_COHORT, message).at(at, "unknown cohort").help(help)
}

fn unknown_check(name: &str, at: Span, checks: &BTreeSet<String>) -> Diagnostic {
    let names = || checks.iter().map(String::as_str);
    let help = match checks.len() {
        0 => format!(
            "say what it asks, beside `steps`: `checks: {{ {name}: {{ http: \"http://{{address}}/ok\" }} }}`"
        ),
        _ => format!("`checks` has {}", crate::quote::list(names())),
    };
    let message = format!("there is no check {}{}", quote(name), did_you_mean(name, names()));
    Diagnostic::error(codes::UNKNOWN_CHECK, message).at(at, "unknown check").help(help)
}

impl JsonSchema for RawStep {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Step".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let map = generator.subschema_for::<map::RawStepMap>();
        let forms = text::FORMS.map(|(_, form)| form);
        json_schema!({
            "anyOf": [
                {
                    "type": "string",
                    "pattern": "^([0-9]{1,3}%|pause|analyse|scale|header|cookie|cohort|country|mirror|check|approve)( .*)?$",
                    "examples": forms
                },
                map
            ]
        })
    }
}
