//! Environment variables.

use std::borrow::Cow;
use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use tidegate_core::setting::reference::references;

use super::name::YAML_1_1_WORDS;
use super::read::{Place, Read};
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::findings::Findings;
use crate::quote::quote;
use crate::tree::{Entry, Key, Value};

/// Variables by name, values as written. Merged variable by variable.
#[derive(Clone, Debug, Default)]
pub(crate) struct RawEnv(pub(crate) BTreeMap<String, String>);

/// What is wrong with a variable's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NameFault {
    Shape,
    Reserved,
}

const MOST: usize = 500;
const LONGEST_NAME: usize = 128;
const LONGEST_VALUE: usize = 64 * 1024;

/// Checks the name of a variable, from whichever file.
pub(crate) fn check_env_name(name: &str) -> Result<(), NameFault> {
    let letters = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    let begins = name.bytes().next().is_some_and(|b| !b.is_ascii_digit());
    if !letters || !begins || name.len() > LONGEST_NAME {
        Err(NameFault::Shape)
    } else if name == "PORT" || name.starts_with("TIDEGATE_") {
        Err(NameFault::Reserved)
    } else {
        Ok(())
    }
}

/// Whether a variable can carry the value.
pub(crate) fn check_env_value(value: &str) -> bool {
    value.len() <= LONGEST_VALUE && !value.contains('\0')
}

impl Read for RawEnv {
    const MAY_BE_EMPTY: bool = true;

    fn read(place: &Place<'_>, findings: &mut Findings<'_>) -> Option<Self> {
        let entries = match &place.node.value {
            Value::Map(entries) => entries.as_slice(),
            Value::Null => &[],
            Value::Bool(_) | Value::Number(_) | Value::Text(_) | Value::List(_) | Value::Reported => {
                if !matches!(place.node.value, Value::Reported) {
                    let help = "write `NAME: value`, one variable a line";
                    findings.push(place.wrong_type("a map from variables to values").help(help));
                }
                return None;
            }
        };
        if entries.len() > MOST {
            let message =
                format!("{} has {} variables, and at most {MOST} are allowed", place.subject, entries.len());
            findings.push(Diagnostic::error(codes::TOO_MANY, message).at(place.key, ""));
            return None;
        }
        Some(RawEnv(entries.iter().filter_map(|entry| read_variable(entry, findings)).collect()))
    }

    fn overlaid(&self, over: &Self) -> Self {
        let mut merged = self.0.clone();
        merged.extend(over.0.clone());
        RawEnv(merged)
    }
}

fn read_variable(entry: &Entry, findings: &mut Findings<'_>) -> Option<(String, String)> {
    let named = read_name(&entry.key, findings);
    let value = read_value(entry, findings)?;
    named.then(|| (entry.key.text.clone(), value))
}

fn read_name(key: &Key, findings: &mut Findings<'_>) -> bool {
    let name = &key.text;
    if key.plain && YAML_1_1_WORDS.contains(&name.to_ascii_lowercase().as_str()) {
        let message = format!("many YAML readers turn the key {} into a boolean or nothing", quote(name));
        let help = format!("put it in quotes: \"{name}\"");
        findings.push(Diagnostic::error(codes::YAML_BOOLEAN, message).at(key.span, "").help(help));
        return false;
    }
    let fault = match check_env_name(name) {
        Ok(()) => return true,
        Err(NameFault::Shape) => Diagnostic::error(
            codes::BAD_ENV_NAME,
            format!("{} cannot be the name of a variable", quote(name)),
        )
        .at(key.span, "")
        .help("letters, digits and `_`, not beginning with a digit"),
        Err(NameFault::Reserved) => {
            Diagnostic::error(codes::RESERVED_ENV, format!("{} is set by Tidegate itself", quote(name)))
                .at(key.span, "reserved")
                .help(if name == "PORT" {
                    "for a fixed port write `port:` in the service"
                } else {
                    "choose a name that does not begin with TIDEGATE_"
                })
        }
    };
    findings.push(fault);
    false
}

/// The value as written. It is never quoted in a message: it may be a secret.
fn read_value(entry: &Entry, findings: &mut Findings<'_>) -> Option<String> {
    let name = quote(&entry.key.text);
    let place = Place::of_key(&entry.key.text, entry.key.span, &entry.value);
    match &entry.value.value {
        Value::Text(text) | Value::Number(text) | Value::Bool(text) if check_env_value(text) => {
            if let Err(error) = references(text) {
                let message = format!("the value of {name} cannot be read: {error}");
                let help = "`${secret.NAME}`, `${param./PATH}` or `${param./PATH:LABEL}`; `$${secret.NAME}` is the text itself";
                let fault = Diagnostic::error(codes::BAD_REFERENCE, message).at(entry.key.span, "");
                findings.push(fault.help(help));
            }
            Some(text.clone())
        }
        Value::Text(_) | Value::Number(_) | Value::Bool(_) => {
            let message = format!("the value of {name} is longer than 64 KiB or contains a NUL");
            findings.push(Diagnostic::error(codes::BAD_TEXT, message).at(entry.key.span, ""));
            None
        }
        Value::Null => {
            findings.push(
                Diagnostic::error(codes::NO_VALUE, format!("{name} has no value"))
                    .at(entry.key.span, "nothing behind the colon")
                    .help("write \"\" for an empty value, or remove the line"),
            );
            None
        }
        Value::List(_) | Value::Map(_) | Value::Reported => {
            place.report_type("a text, a number or a boolean", findings);
            None
        }
    }
}

impl JsonSchema for RawEnv {
    fn schema_name() -> Cow<'static, str> {
        "Env".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": ["object", "null"],
            "description": "Environment variables. Numbers and booleans reach the process as written.",
            "propertyNames": { "pattern": "^(?!PORT$|TIDEGATE_)[A-Za-z_][A-Za-z0-9_]{0,127}$" },
            "additionalProperties": { "type": ["string", "number", "boolean"] },
            "maxProperties": MOST
        })
    }
}
