//! Feature flags as typed in the manifest: Tidegate's own words for what flagd's files say.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use tidegate_core::model::FlagKey;
use tidegate_flags::Class;

use super::choice::{Choice, Word};
use super::day::Day;
use super::experiment::RawExperiment;
use super::field::Field;
use super::fields::read_entry;
use super::flag::Flag;
use super::json::AnyJson;
use super::read::{Place, Read};
use super::record::record;
use super::text::{Rule, Text};
use crate::codes::{self, Code};
use crate::diagnostic::Diagnostic;
use crate::findings::Findings;
use crate::glob::Glob;
use crate::quote::quote;
use crate::span::Span;
use crate::tree::{Node, Value};

/// The most flags a manifest has, and the most variants a flag has.
const MOST_FLAGS: usize = 2_000;
const MOST_VARIANTS: usize = 100;

record! { replaced
    /// A feature flag: what it may be, and for whom. What is served of it now is changed by `tidegate release`.
    #[schemars(rename = "FeatureFlag", extend("required" = ["class", "owner"]))]
    RawFlag is "a flag" {
        /// What it is for: `rollout` (new code on its way to everybody), `experiment` (a comparison of variants), `entitlement`
        /// (what somebody has a right to) or `operational` (a switch of those who operate).
        class: Word<Class>,
        /// Who answers for it: a team or a person.
        owner: Text<Line>,
        /// What it does.
        description: Text<Line>,
        /// The day after which it should be gone: `2026-12-31`. A rollout needs one.
        expires: Text<Day>,
        /// What an experiment measures. An experiment needs one.
        metric: Text<Line>,
        /// How an experiment goes: `users`, after which it is over, and `metric`, `user`, `control`, `alpha`, `within` and `worth`.
        experiment: RawExperiment,
        /// Of which type its values are. Default boolean.
        r#type: Word<FlagType>,
        /// Its values by name. A boolean flag has `on` and `off` by default.
        variants: RawVariants,
        /// The variant that is served before anything is released. Default `off` of a boolean flag.
        default: VariantName,
        /// The variant that is served when it is killed, or when its code is gone. Default: the default variant.
        safe: VariantName,
        /// Whether clients outside (pages, phones) see it. Default false.
        clients: Flag,
        /// Where its code is: `here`, in this repository (the default), or `elsewhere`: then nothing is checked of mentions.
        source: Word<CodeSource>,
        /// The rule that says who gets which variant, in JsonLogic as flagd has it, with Tidegate's own `segment`, `flag`,
        /// `schedule` and `ramp`. Who it gives null gets what is released.
        targeting: AnyJson,
    }
}

/// One line of text.
#[derive(Clone, Debug)]
pub(crate) struct Line(pub(crate) String);

/// What the values of a flag are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FlagType {
    Boolean,
    String,
    Integer,
    Float,
    Object,
}

/// Where the code of a flag is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CodeSource {
    Here,
    Elsewhere,
}

/// The name of a variant.
#[derive(Clone, Debug)]
pub(crate) struct VariantName(pub(crate) String);

/// The values of a flag by name, in the order of the file.
#[derive(Clone, Debug)]
pub(crate) struct RawVariants(pub(crate) Vec<RawVariant>);

/// One of them.
#[derive(Clone, Debug)]
pub(crate) struct RawVariant {
    pub(crate) name: String,
    pub(crate) value: AnyJson,
}

/// The flags by key.
#[derive(Clone, Debug)]
pub(crate) struct RawFlags {
    pub(crate) flags: Vec<RawFlagEntry>,
    /// Where everything in it stands.
    pub(crate) node: Node,
}

/// One flag. A broken one is there by its key.
#[derive(Clone, Debug)]
pub(crate) struct RawFlagEntry {
    pub(crate) key: FlagKey,
    pub(crate) span: Span,
    pub(crate) value: Field<RawFlag>,
}

/// A pattern of flag files.
#[derive(Clone, Debug)]
pub(crate) struct FlagFiles(pub(crate) Glob);

impl Choice for Class {
    const WHAT: &'static str = "a class of flags";
    const ALL: &'static [(&'static str, Self)] = &[
        ("rollout", Class::Rollout),
        ("experiment", Class::Experiment),
        ("entitlement", Class::Entitlement),
        ("operational", Class::Operational),
    ];
}

impl Choice for FlagType {
    const WHAT: &'static str = "a type of flags";
    const ALL: &'static [(&'static str, Self)] = &[
        ("boolean", FlagType::Boolean),
        ("string", FlagType::String),
        ("integer", FlagType::Integer),
        ("float", FlagType::Float),
        ("object", FlagType::Object),
    ];
}

impl Choice for CodeSource {
    const WHAT: &'static str = "a place of a flag's code";
    const ALL: &'static [(&'static str, Self)] =
        &[("here", CodeSource::Here), ("elsewhere", CodeSource::Elsewhere)];
}

impl Rule for Line {
    const WHAT: &'static str = "a line of text";
    const CODE: Code = codes::BAD_TEXT;
    const PATTERN: &'static str = "^[^\\n]{1,500}$";

    fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let good = !text.is_empty() && text.len() <= 500 && !text.chars().any(char::is_control);
        if good { Ok(Line(text.to_owned())) } else { Err("one line of 1 to 500 bytes".to_owned()) }
    }
}

impl Rule for FlagFiles {
    const WHAT: &'static str = "a path of flag files";
    const CODE: Code = codes::FLAG_FILES;
    const PATTERN: &'static str = "^[^/~].{0,199}$";

    fn parse(text: &str) -> Result<Self, String> {
        Glob::parse(text).map(FlagFiles).map_err(str::to_owned)
    }
}

impl Read for VariantName {
    fn read(place: &Place<'_>, findings: &mut Findings<'_>) -> Option<Self> {
        match &place.node.value {
            Value::Text(text) | Value::Number(text) => Some(VariantName(text.clone())),
            Value::Null | Value::Bool(_) | Value::List(_) | Value::Map(_) | Value::Reported => {
                place.report_type("the name of a variant", findings);
                None
            }
        }
    }
}

impl Read for RawVariants {
    fn read(place: &Place<'_>, findings: &mut Findings<'_>) -> Option<Self> {
        let Value::Map(entries) = &place.node.value else {
            place.report_type("a map from names of variants to values", findings);
            return None;
        };
        if entries.is_empty() || entries.len() > MOST_VARIANTS {
            let message =
                format!("a flag has 1 to {MOST_VARIANTS} variants, and this one has {}", entries.len());
            findings.push(Diagnostic::error(codes::FLAG_VARIANT, message).at(place.key, ""));
            return None;
        }
        let read = |entry: &crate::tree::Entry, findings: &mut Findings<'_>| {
            let value =
                AnyJson::read(&Place::of_key(&entry.key.text, entry.key.span, &entry.value), findings)?;
            Some(RawVariant { name: entry.key.text.clone(), value })
        };
        Some(RawVariants(entries.iter().filter_map(|entry| read(entry, findings)).collect()))
    }
}

impl Read for RawFlags {
    const MAY_BE_EMPTY: bool = true;

    fn read(place: &Place<'_>, findings: &mut Findings<'_>) -> Option<Self> {
        let entries = match &place.node.value {
            Value::Map(entries) => entries.as_slice(),
            Value::Null => &[],
            Value::Bool(_) | Value::Number(_) | Value::Text(_) | Value::List(_) | Value::Reported => {
                place.report_type("a map from keys to flags", findings);
                return None;
            }
        };
        if entries.len() > MOST_FLAGS {
            let message = format!(
                "{} has {} flags, and at most {MOST_FLAGS} are allowed",
                place.subject,
                entries.len()
            );
            findings.push(
                Diagnostic::error(codes::TOO_MANY, message)
                    .at(place.key, "")
                    .help("write them into files of their own, and name those in `flag_files`"),
            );
            return None;
        }
        let mut flags = Vec::new();
        for entry in entries {
            let value = read_entry::<RawFlag>(entry, findings);
            match entry.key.text.parse() {
                Ok(key) => flags.push(RawFlagEntry { key, span: entry.key.span, value }),
                Err(error) => findings.push(bad_key(&entry.key.text, entry.key.span, &error)),
            }
        }
        Some(RawFlags { flags, node: place.node.clone() })
    }
}

fn bad_key(text: &str, span: Span, error: &impl std::fmt::Display) -> Diagnostic {
    Diagnostic::error(codes::BAD_FLAG_KEY, format!("{} cannot be the key of a flag", quote(text)))
        .at(span, "not a key")
        .help(error.to_string())
}

impl JsonSchema for VariantName {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "VariantName".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["string", "number"] })
    }
}

impl JsonSchema for RawVariants {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Variants".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "object", "minProperties": 1, "maxProperties": MOST_VARIANTS })
    }
}

impl JsonSchema for RawFlags {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Flags".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let flags = generator.subschema_for::<RawFlag>();
        json_schema!({
            "type": ["object", "null"],
            "propertyNames": { "pattern": "^[A-Za-z0-9._-]{1,200}$" },
            "additionalProperties": flags,
            "maxProperties": MOST_FLAGS
        })
    }
}
