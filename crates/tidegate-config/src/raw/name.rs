//! Names of apps, environments and services.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use tidegate_core::model::Name;

use super::read::{Place, Read};
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::findings::Findings;
use crate::quote::quote;
use crate::tree::Key;

/// The shape of a [`Name`] as a regular expression.
pub(super) const PATTERN: &str = "^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$";

/// Words that YAML 1.1 readers turn into booleans or nothing.
pub(super) const YAML_1_1_WORDS: [&str; 9] = ["on", "off", "yes", "no", "y", "n", "true", "false", "null"];

/// A value that is a name.
#[derive(Clone, Debug)]
pub(crate) struct NameText(pub(crate) Name);

impl Read for NameText {
    fn read(place: &Place<'_>, findings: &mut Findings<'_>) -> Option<Self> {
        let text = place.text(findings)?;
        NameText::of(text, place.node.span, findings)
    }
}

impl NameText {
    /// The name in a text; anything else is reported.
    pub(super) fn of(text: &str, span: crate::span::Span, findings: &mut Findings<'_>) -> Option<Self> {
        text.parse().map(NameText).map_err(|_| findings.push(bad_name(text, span))).ok()
    }
}

/// A key that is a name.
pub(super) fn read_key(key: &Key, findings: &mut Findings<'_>) -> Option<Name> {
    if YAML_1_1_WORDS.contains(&key.text.as_str()) {
        let message = format!(
            "{} cannot be a name: many YAML readers turn it into a boolean or nothing",
            quote(&key.text)
        );
        findings.push(
            Diagnostic::error(codes::YAML_BOOLEAN, message).at(key.span, "").help("choose another name"),
        );
        return None;
    }
    key.text.parse().map_err(|_| findings.push(bad_name(&key.text, key.span))).ok()
}

fn bad_name(text: &str, span: crate::span::Span) -> Diagnostic {
    Diagnostic::error(codes::BAD_NAME, format!("{} cannot be a name", quote(text)))
        .at(span, "not a name")
        .help(name_advice(text))
}

/// The rule for names, and the nearest name that keeps it.
pub(crate) fn name_advice(text: &str) -> String {
    let rule = "a name has 1 to 40 of a-z, 0-9 and `-`, begins with a letter and does not end with `-`";
    match nearest_name(text) {
        Some(name) => format!("{rule}: `{name}` is one"),
        None => rule.to_owned(),
    }
}

/// The text made into a name: lower case, other characters as `-`, and never a word that YAML readers take for a boolean.
pub(crate) fn nearest_name(text: &str) -> Option<Name> {
    let mut name = String::new();
    for c in text.chars().take(Name::LONGEST * 4).map(|c| c.to_ascii_lowercase()) {
        if c.is_ascii_lowercase() || (c.is_ascii_digit() && !name.is_empty()) {
            name.push(c);
        } else if !name.is_empty() && !name.ends_with('-') {
            name.push('-');
        }
    }
    name.truncate(Name::LONGEST);
    let name = name.trim_end_matches('-');
    if YAML_1_1_WORDS.contains(&name) {
        return format!("{name}-1").parse().ok();
    }
    name.parse().ok()
}

impl JsonSchema for NameText {
    fn schema_name() -> Cow<'static, str> {
        "Name".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "pattern": PATTERN,
            "description": "1 to 40 of a-z, 0-9 and `-`, beginning with a letter, not ending with `-`."
        })
    }
}
