//! The manifest's flags, checked and written as flagd has them. What other files define comes later: see `crate::flags`.

use serde_json::{Map, Value as Json, json};
use tidegate_core::experiment::wrong_with;
use tidegate_flags::Class;

use super::missing;
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::findings::Findings;
use crate::flags::{Places, gather};
use crate::glob::Glob;
use crate::nearest::did_you_mean;
use crate::quote::{list, quote};
use crate::raw::{CodeSource, Field, FlagType, RawFlag, RawFlagEntry, RawManifest, RawVariants, Text};
use crate::span::Span;

/// What a manifest says of flags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FlagPlan {
    /// Its own flags and segments, in flagd's format.
    pub(crate) document: Map<String, Json>,
    /// Where they stand.
    pub(crate) places: Places,
    /// Which files have more.
    pub(crate) files: Vec<(Glob, Span)>,
}

/// The manifest's flags; `None`: it says nothing of flags. Rules are looked at here where no other file has a part in them.
pub(super) fn compile(raw: &RawManifest, findings: &mut Findings<'_>) -> Option<FlagPlan> {
    if raw.flags.is_absent() && raw.flag_files.is_absent() && raw.segments.is_absent() {
        return None;
    }
    let mut flags = Map::new();
    for entry in raw.flags.value().map_or(&[][..], |flags| &flags.flags) {
        if let Field::Present(flag) = &entry.value
            && let Some(definition) = definition(entry, &flag.value, findings)
        {
            flags.insert(entry.key.to_string(), definition);
        }
    }
    let mut places = Places::default();
    raw.flags.value().iter().for_each(|flags| places.add("/flags", &flags.node));
    let mut document = Map::from_iter([("flags".to_owned(), Json::Object(flags))]);
    if let Some(segments) = raw.segments.value() {
        places.add("/segments", &segments.node);
        document.insert("segments".to_owned(), segments.json.clone());
    }
    let files = raw.flag_files.value().map_or(&[][..], |files| &files.0);
    let files = files.iter().map(|pattern| (pattern.value.0.0.clone(), pattern.span)).collect();
    let plan = FlagPlan { document, places, files };
    if plan.files.is_empty() && !findings.failed() {
        let (_, mistakes) = gather(&plan, findings.source(), &[]);
        mistakes.into_iter().for_each(|mistake| findings.push(mistake));
    }
    Some(plan)
}

/// One flag as flagd has it.
fn definition(entry: &RawFlagEntry, flag: &RawFlag, findings: &mut Findings<'_>) -> Option<Json> {
    if flag.class.is_absent() {
        let help = "say what it is for: `class: rollout`, `experiment`, `entitlement` or `operational`";
        findings.push(missing("a flag", "class", entry.span).help(help));
    }
    let kind = flag.r#type.value().map_or(FlagType::Boolean, |word| word.0);
    let variants = variants(entry, flag, kind, findings)?;
    let default = default_of(entry, flag, kind, &variants, findings)?;
    check_safe(entry, flag, &variants, findings);
    let metadata = metadata(flag);
    if let Field::Present(said) = &flag.experiment
        && let Some(wrong) = wrong_with(&metadata)
    {
        let help = "an experiment has an end and a metric: `experiment: { metric: bought, users: 20000 }`; by the gateway's own \
                    traffic: `{ metric: gateway.errors, user: cookie:session, users: 20000 }`";
        findings
            .push(Diagnostic::error(codes::FLAG_NEEDS, wrong).at(said.span, "of this experiment").help(help));
    }
    let mut written = Map::from_iter([
        ("state".to_owned(), json!("ENABLED")),
        ("variants".to_owned(), Json::Object(variants)),
        ("defaultVariant".to_owned(), json!(default)),
        ("metadata".to_owned(), Json::Object(metadata)),
    ]);
    if let Some(rule) = flag.targeting.value() {
        written.insert("targeting".to_owned(), rule.json.clone());
    }
    Some(Json::Object(written))
}

fn variants(
    entry: &RawFlagEntry,
    flag: &RawFlag,
    kind: FlagType,
    findings: &mut Findings<'_>,
) -> Option<Map<String, Json>> {
    match &flag.variants {
        Field::Present(variants) => of_type(&variants.value, kind, findings),
        Field::Broken => None,
        Field::Absent if kind == FlagType::Boolean => {
            Some(Map::from_iter([("on".to_owned(), json!(true)), ("off".to_owned(), json!(false))]))
        }
        Field::Absent => {
            let help = "give its values names: `variants: { small: 10, large: 100 }`";
            findings.push(missing("a flag that is not boolean", "variants", entry.span).help(help));
            None
        }
    }
}

/// The values, real numbers written as such; `None` where one is of another type.
fn of_type(variants: &RawVariants, kind: FlagType, findings: &mut Findings<'_>) -> Option<Map<String, Json>> {
    let mut all = Some(Map::new());
    for variant in &variants.0 {
        let value = match (kind, &variant.value.json) {
            (FlagType::Float, Json::Number(number)) => number.as_f64().map(|number| json!(number)),
            (FlagType::Boolean, value @ Json::Bool(_))
            | (FlagType::String, value @ Json::String(_))
            | (FlagType::Object, value @ Json::Object(_)) => Some(value.clone()),
            (FlagType::Integer, value @ Json::Number(number)) if !number.is_f64() => Some(value.clone()),
            (
                FlagType::Boolean | FlagType::String | FlagType::Integer | FlagType::Float | FlagType::Object,
                _,
            ) => None,
        };
        let Some(value) = value else {
            let message = format!("the value of {} is not {}", quote(&variant.name), called(kind));
            let help = "say the flag's `type`: boolean, string, integer, float or object";
            findings.push(
                Diagnostic::error(codes::FLAG_VARIANT, message)
                    .at(variant.value.node.span, "another type")
                    .help(help),
            );
            all = None;
            continue;
        };
        all.iter_mut().for_each(|all| {
            all.insert(variant.name.clone(), value.clone());
        });
    }
    all
}

fn called(kind: FlagType) -> &'static str {
    match kind {
        FlagType::Boolean => "a boolean",
        FlagType::String => "a string",
        FlagType::Integer => "an integer",
        FlagType::Float => "a number",
        FlagType::Object => "an object",
    }
}

fn default_of(
    entry: &RawFlagEntry,
    flag: &RawFlag,
    kind: FlagType,
    variants: &Map<String, Json>,
    findings: &mut Findings<'_>,
) -> Option<String> {
    match &flag.default {
        Field::Present(name) => known(entry, &name.value.0, name.span, variants, findings),
        Field::Broken => None,
        Field::Absent if kind == FlagType::Boolean && variants.contains_key("off") => Some("off".to_owned()),
        Field::Absent => {
            let help =
                format!("say which variant is served before anything is released: {}", names(variants));
            findings.push(missing("the flag", "default", entry.span).help(help));
            None
        }
    }
}

fn check_safe(
    entry: &RawFlagEntry,
    flag: &RawFlag,
    variants: &Map<String, Json>,
    findings: &mut Findings<'_>,
) {
    if let Field::Present(name) = &flag.safe {
        known(entry, &name.value.0, name.span, variants, findings);
    }
}

fn known(
    entry: &RawFlagEntry,
    name: &str,
    at: Span,
    variants: &Map<String, Json>,
    findings: &mut Findings<'_>,
) -> Option<String> {
    if variants.contains_key(name) {
        return Some(name.to_owned());
    }
    let meant = did_you_mean(name, variants.keys().map(String::as_str));
    let message = format!("{} is no variant of `{}`{meant}", quote(name), entry.key);
    findings.push(
        Diagnostic::error(codes::FLAG_VARIANT, message)
            .at(at, "no variant")
            .help(format!("its variants are {}", names(variants))),
    );
    None
}

fn names(variants: &Map<String, Json>) -> String {
    list(variants.keys().map(String::as_str))
}

/// What Tidegate knows of a flag beside flagd, as metadata spells it.
fn metadata(flag: &RawFlag) -> Map<String, Json> {
    let line = |field: &Field<Text<crate::raw::Line>>| field.value().map(|text| json!(text.0.0));
    let elsewhere = |word: CodeSource| word == CodeSource::Elsewhere;
    let said = [
        ("class", flag.class.value().map(|word| json!(Class::as_str(word.0)))),
        ("owner", line(&flag.owner)),
        ("description", line(&flag.description)),
        ("expires", flag.expires.value().map(|day| json!(day.0.0))),
        ("metric", line(&flag.metric)),
        ("experiment", flag.experiment.value().map(|said| said.0.json.clone())),
        ("safe", flag.safe.value().map(|name| json!(name.0))),
        ("clients", flag.clients.value().filter(|seen| seen.0).map(|_| json!(true))),
        ("source", flag.source.value().filter(|word| elsewhere(word.0)).map(|_| json!("elsewhere"))),
    ];
    said.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}
