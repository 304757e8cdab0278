//! The map form of a step, for editors: `{ weight: 5%, for: 2m }`.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use tidegate_core::model::{Candidates, Match, Step};
use tidegate_core::time::Millis;

use super::draft::{self, Draft, What};
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::findings::Findings;
use crate::raw::field::Field;
use crate::raw::flag::Flag;
use crate::raw::header::{FieldName, Token};
use crate::raw::name::NameText;
use crate::raw::percent::Percent;
use crate::raw::read::{Place, Read};
use crate::raw::record::record;
use crate::raw::some::OneOrMore;
use crate::raw::time::{DAY, Lasting, SECOND};
use crate::raw::traffic::Valued;
use crate::span::Span;
use crate::tree::Value;

/// As long as a step may hold.
pub(super) type Hold = Lasting<SECOND, { 90 * DAY }>;

record! { replaced
    /// One step: one of `weight`, `header`, `cookie`, `cohort`, `country`, `mirror`, `scale`, `pause`, `approve`, `analyse`
    /// and `check`.
    #[schemars(rename = "StepMap", extend("minProperties" = 1, "maxProperties" = 3))]
    RawStepMap is "a step" {
        /// The candidate's share of the requests.
        weight: Percent<1>,
        /// Requests with this field reach the candidate: its name, or a map from names to values.
        header: Valued<FieldName>,
        /// Requests with this cookie reach the candidate: its name, or a map from names to values.
        cookie: Valued<Token>,
        /// The clients of this cohort reach the candidate.
        cohort: NameText,
        /// Clients in these countries reach the candidate, like `NZ` (ISO 3166-1), or the continents `EU` and `OC`.
        country: OneOrMore<CountryText>,
        /// The candidate gets copies of this share of the requests.
        mirror: Percent<1>,
        /// How long a step of users or copies holds once it is in force, or how long a check has to pass without a break.
        /// Default: it goes on at once.
        r#for: Hold,
        /// At least so many candidate instances: a number, or a share of the service's.
        scale: RawCandidates,
        /// Nothing moves for this long, or with `true` until `tidegate rollout resume`.
        pause: RawPause,
        /// `true`: a person has to say that it may go on.
        approve: Flag,
        /// The judge decides, within this time.
        analyse: Hold,
        /// The check of this name has to pass; `checks` says what it asks.
        check: NameText,
        /// The longest time of a check. Default 10m, and what `for` says.
        max: Hold,
    }
}

/// A country's code as written; whether there is one is looked up later.
#[derive(Clone, Debug)]
pub(super) struct CountryText(String);

/// A number of instances, or a share.
#[derive(Clone, Debug)]
pub(super) struct RawCandidates(Candidates);

/// A time, or until somebody says so.
#[derive(Clone, Debug)]
pub(super) struct RawPause(Option<Millis>);

/// Reads one map.
pub(super) fn parse(place: &Place<'_>, findings: &mut Findings<'_>) -> Option<Vec<Draft>> {
    let map = RawStepMap::read(place, findings)?;
    let said = kinds(&map);
    let [(kind, key)] = said[..] else {
        if said.is_empty() && says_more_than_times(place) {
            return None; // what it says is wrong, and was reported
        }
        let message = format!("a step says one thing, and this one says {}", said.len());
        let second = said.get(1).map_or(place.key, |(_, key)| *key);
        findings.push(
            Diagnostic::error(codes::BAD_STEP, message)
                .at(second, "")
                .help("write several steps: `[{ weight: 5%, for: 2m }, { analyse: 30m }]`"),
        );
        return None;
    };
    check_times(&map, kind, findings);
    let hold = map.r#for.value().map(|hold| hold.0);
    let what = one(&map, kind, key, hold, findings)?;
    Some(vec![Draft { what, span: place.node.span }])
}

fn says_more_than_times(place: &Place<'_>) -> bool {
    let time = |key: &str| matches!(key, "for" | "max");
    matches!(&place.node.value, Value::Map(entries) if entries.iter().any(|entry| !time(&entry.key.text)))
}

fn one(
    map: &RawStepMap,
    kind: &str,
    key: Span,
    hold: Option<Millis>,
    findings: &mut Findings<'_>,
) -> Option<What> {
    let held = hold.unwrap_or_default();
    match kind {
        "weight" => draft::weight(map.weight.value()?.0, hold, key, findings),
        "header" => {
            let mut pairs = map.header.value()?.0.iter();
            let matched = |(FieldName(name), value): &(FieldName, Option<String>)| Match::Header {
                name: name.clone(),
                value: value.clone(),
            };
            single(pairs.len(), "header", key, findings)?;
            pairs.next().map(|pair| {
                draft::audience(label("header", &pair.0.0, pair.1.as_deref()), matched(pair), hold)
            })
        }
        "cookie" => {
            let mut pairs = map.cookie.value()?.0.iter();
            single(pairs.len(), "cookie", key, findings)?;
            pairs.next().map(|(Token(name), value)| {
                let one = Match::Cookie { name: name.clone(), value: value.clone() };
                draft::audience(label("cookie", name, value.as_deref()), one, hold)
            })
        }
        "cohort" => Some(What::Cohort(map.cohort.value()?.0.to_string(), held)),
        "country" => {
            let codes = map.country.value()?.0.iter().map(|code| (code.value.0.as_str(), code.span));
            let who = draft::countries(codes, findings)?;
            Some(What::Step(Step::Audience { who, hold: held }))
        }
        "mirror" => Some(What::Step(Step::Mirror { percent: map.mirror.value()?.0, hold: held })),
        "scale" => Some(What::Step(Step::Scale(map.scale.value()?.0))),
        "pause" => Some(What::Step(Step::Pause { hold: map.pause.value()?.0 })),
        "approve" => Some(What::Step(Step::Approve)),
        "analyse" => Some(What::Step(Step::Analyse { max: map.analyse.value()?.0 })),
        _ => {
            let name = map.check.value()?.0.to_string();
            draft::check(name, held, map.max.value().map(|max| max.0), key, findings)
        }
    }
}

fn label(kind: &str, name: &str, value: Option<&str>) -> String {
    value.map_or_else(|| format!("{kind} {name}"), |value| format!("{kind} {name}={value}"))
}

fn single(count: usize, kind: &str, key: Span, findings: &mut Findings<'_>) -> Option<()> {
    if count == 1 {
        return Some(());
    }
    let message = format!("`{kind}` of a step names one, and this names {count}");
    findings.push(Diagnostic::error(codes::BAD_STEP, message).at(key, "").help("write a step for each"));
    None
}

/// The kinds of step that are written, with their keys.
fn kinds(map: &RawStepMap) -> Vec<(&'static str, Span)> {
    fn key<T>(field: &Field<T>) -> Option<Span> {
        field.get().map(|value| value.key)
    }
    let all = [
        ("weight", key(&map.weight)),
        ("header", key(&map.header)),
        ("cookie", key(&map.cookie)),
        ("cohort", key(&map.cohort)),
        ("country", key(&map.country)),
        ("mirror", key(&map.mirror)),
        ("scale", key(&map.scale)),
        ("pause", key(&map.pause)),
        ("approve", key(&map.approve)),
        ("analyse", key(&map.analyse)),
        ("check", key(&map.check)),
    ];
    all.into_iter().filter_map(|(kind, key)| Some((kind, key?))).collect()
}

fn check_times(map: &RawStepMap, kind: &str, findings: &mut Findings<'_>) {
    let holds = matches!(kind, "weight" | "header" | "cookie" | "cohort" | "country" | "mirror" | "check");
    let wrong = [
        ("for", map.r#for.get().map(|hold| hold.key).filter(|_| !holds)),
        ("max", map.max.get().map(|max| max.key).filter(|_| kind != "check")),
    ];
    for (key, span) in wrong.into_iter().filter_map(|(key, span)| Some((key, span?))) {
        let message = format!("`{key}` has no meaning beside `{kind}`");
        findings.push(
            Diagnostic::error(codes::BAD_STEP, message)
                .at(span, "")
                .help("`pause: 10m` and `analyse: 30m` have their time themselves; `check` has `max`"),
        );
    }
}

impl Read for CountryText {
    fn read(place: &Place<'_>, findings: &mut Findings<'_>) -> Option<Self> {
        place.text(findings).map(|text| CountryText(text.to_owned()))
    }
}

impl Read for RawCandidates {
    fn read(place: &Place<'_>, findings: &mut Findings<'_>) -> Option<Self> {
        match &place.node.value {
            Value::Text(text) | Value::Number(text) => {
                draft::scale(text, place.node.span, findings).map(RawCandidates)
            }
            Value::Null | Value::Bool(_) | Value::List(_) | Value::Map(_) | Value::Reported => {
                place.report_type("a number or a share like `50%`", findings);
                None
            }
        }
    }
}

impl Read for RawPause {
    fn read(place: &Place<'_>, findings: &mut Findings<'_>) -> Option<Self> {
        match &place.node.value {
            Value::Bool(word) if word.eq_ignore_ascii_case("true") => Some(RawPause(None)),
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::Text(_)
            | Value::List(_)
            | Value::Map(_)
            | Value::Reported => Hold::read(place, findings).map(|hold| RawPause(Some(hold.0))),
        }
    }
}

/// A schema that stands where its type does.
macro_rules! inline_schema {
    ($($name:ident = $json:tt;)*) => {
        $(impl JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($json)
            }
        })*
    };
}

inline_schema! {
    CountryText = { "type": "string", "pattern": "^[A-Za-z]{2}$" };
    RawCandidates = {
        "anyOf": [
            { "type": "integer", "minimum": 1, "maximum": 100 },
            { "type": "string", "pattern": "^[0-9]{1,3}%$" }
        ]
    };
    RawPause = {
        "anyOf": [
            { "type": "boolean", "const": true },
            { "type": "string", "pattern": "^[0-9]+(ms|s|m|h|d)$" }
        ]
    };
}
