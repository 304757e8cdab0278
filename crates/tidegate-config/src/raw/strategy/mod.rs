//! The strategy of a service: a name, or a map from one name to its options.
//!
//! Steps are read in two forms, [`text`] and [`map`], into a [`draft`]; [`step`] checks a whole list of them. Strategies of
//! named kinds are steps as well: [`options`] makes them.

mod check;
mod compare;
mod country;
mod draft;
mod map;
mod options;
mod outcomes;
mod step;
mod text;

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use tidegate_core::model::{Strategy, StrategyKind};

use super::fields::read_entry;
use super::read::{Place, Read};
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::findings::Findings;
use crate::nearest::did_you_mean;
use crate::quote::{list, quote};
use crate::span::Span;
use crate::tree::{Entry, Value};
use options::RawOptions;

/// A strategy with its options filled in.
#[derive(Clone, Debug)]
pub(crate) struct RawStrategy(pub(crate) Strategy);

/// Strategies of later versions.
const LATER: [&str; 2] = ["geographic", "release-train"];

impl Read for RawStrategy {
    fn read(place: &Place<'_>, findings: &mut Findings<'_>) -> Option<Self> {
        match &place.node.value {
            Value::Text(text) => {
                let kind = read_kind(text, place.node.span, findings)?;
                let options = RawOptions::default();
                Some(RawStrategy(options::compile(kind, place.node.span, &options, findings)))
            }
            Value::Map(entries) => read_map(entries, place, findings).map(RawStrategy),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::List(_) | Value::Reported => {
                place.report_type("the name of a strategy", findings);
                None
            }
        }
    }
}

fn read_map(entries: &[Entry], place: &Place<'_>, findings: &mut Findings<'_>) -> Option<Strategy> {
    let [entry] = entries else {
        let message = format!("{} names {} strategies and is to name one", place.subject, entries.len());
        findings.push(
            Diagnostic::error(codes::MISSING_KEY, message)
                .at(place.key, "")
                .help("write the name with its options below it: `strategy: { blue-green: { bake: 10s } }`"),
        );
        return None;
    };
    let kind = read_kind(&entry.key.text, entry.key.span, findings)?;
    if matches!(entry.value.value, Value::Null) {
        return Some(options::compile(kind, entry.key.span, &RawOptions::default(), findings));
    }
    let options = read_entry::<RawOptions>(entry, findings);
    Some(options::compile(kind, entry.key.span, &options.get()?.value, findings))
}

fn read_kind(text: &str, span: Span, findings: &mut Findings<'_>) -> Option<StrategyKind> {
    let kind = StrategyKind::ALL.into_iter().find(|kind| kind.as_str() == text);
    if kind.is_none() {
        findings.push(unknown_strategy(text, span));
    }
    kind
}

fn unknown_strategy(text: &str, span: Span) -> Diagnostic {
    let names = StrategyKind::ALL.map(StrategyKind::as_str);
    let help = format!("this version has {}", list(names));
    if LATER.contains(&text) {
        let message = format!("the strategy {} is not in this version yet", quote(text));
        return Diagnostic::error(codes::STRATEGY_NOT_YET, message)
            .at(span, "not in this version")
            .help(help);
    }
    let meant = match text {
        "bluegreen" | "blue/green" | "bg" => "; did you mean `blue-green`?".to_owned(),
        "recreate" => "; did you mean `all-at-once`?".to_owned(),
        "ab" | "a/b" => "; did you mean `a-b`?".to_owned(),
        "shadow" => "; did you mean `parallel-run`?".to_owned(),
        "phased-rollout" => "; did you mean `phased`?".to_owned(),
        _ => did_you_mean(text, names),
    };
    let message = format!("{} is not a strategy{meant}", quote(text));
    Diagnostic::error(codes::BAD_CHOICE, message).at(span, "not a strategy").help(help)
}

impl JsonSchema for RawStrategy {
    fn schema_name() -> Cow<'static, str> {
        "Strategy".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let options = generator.subschema_for::<RawOptions>();
        let names = StrategyKind::ALL.map(StrategyKind::as_str);
        let properties: serde_json::Map<_, _> = names
            .iter()
            .map(|name| ((*name).to_owned(), serde_json::json!({ "anyOf": [options, { "type": "null" }] })))
            .collect();
        json_schema!({
            "description": "How a rollout proceeds: a name, or a map from one name to its options. Default blue-green.",
            "anyOf": [
                { "type": "string", "enum": names },
                {
                    "type": "object",
                    "properties": properties,
                    "additionalProperties": false,
                    "minProperties": 1,
                    "maxProperties": 1
                }
            ]
        })
    }
}
