//! The text of a flag file, taken apart: flagd's JSON, or the same in YAML.
//!
//! What flagd's own evaluators refuse is refused here as a whole, with the place; a rule that can not be understood spoils
//! its own flag alone, and that is found out later, when it is compiled.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::Map;

/// What a flag file may have at most: bytes of text, flags, and variants of a flag.
const MOST_BYTES: usize = 32 << 20;
const MOST_FLAGS: usize = 50_000;
const MOST_VARIANTS: usize = 1_000;
/// Objects and lists within each other, in the whole file. Readers of JSON stop at as many.
const DEEPEST: usize = 128;
/// The same of what Git defines: what is released goes around it, and the whole is written out and read again.
const DEEPEST_DEFINED: usize = 64;

/// Why a flag file is refused, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{message}", place(.pointer))]
pub struct FlagFileError {
    /// A JSON pointer to what is wrong; empty for the file as a whole.
    pub pointer: String,
    /// The flag that it is about, if it is about one.
    pub flag: Option<String>,
    /// What is wrong with it.
    pub message: String,
}

fn place(pointer: &str) -> String {
    if pointer.is_empty() { String::new() } else { format!("{pointer}: ") }
}

impl FlagFileError {
    /// The same, found below a member or an item.
    pub(crate) fn below(self, name: &str) -> Self {
        Self { pointer: format!("/{}{}", escaped(name), self.pointer), ..self }
    }

    pub(crate) fn at(pointer: impl Into<String>, message: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), flag: None, message: message.into() }
    }

    pub(crate) fn of_flag(key: &str, rest: &str, message: impl Into<String>) -> Self {
        let pointer = format!("/flags/{}{rest}", escaped(key));
        Self { pointer, flag: Some(key.to_owned()), message: message.into() }
    }
}

/// A key as it stands in a JSON pointer.
pub(crate) fn escaped(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

/// A flag file, taken apart but not compiled.
#[derive(Clone, Debug, Default)]
pub(crate) struct Document {
    pub(crate) flags: BTreeMap<String, Definition>,
    pub(crate) evaluators: Map,
    pub(crate) segments: Map,
    pub(crate) metadata: Map,
}

/// One flag as it is written down.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Definition {
    pub(crate) disabled: bool,
    pub(crate) variants: Map,
    pub(crate) default_variant: Option<String>,
    pub(crate) targeting: Option<Value>,
    pub(crate) metadata: Map,
}

/// The text of a flag file as JSON, within the limits and not yet looked at: for those who put several files together. It may be
/// nested half as deep as a file that is served as it is: what is released is put around it.
pub fn document(text: &str) -> Result<Value, FlagFileError> {
    within(text, DEEPEST_DEFINED)
}

fn within(text: &str, levels: usize) -> Result<Value, FlagFileError> {
    if text.len() > MOST_BYTES {
        return Err(FlagFileError::at("", format!("the file is larger than {MOST_BYTES} bytes")));
    }
    let file = parse(text)?;
    if !is_within(&file, levels) {
        return Err(FlagFileError::at("", format!("the file is nested deeper than {levels} levels")));
    }
    Ok(file)
}

/// Takes a file apart.
pub(crate) fn read(text: &str) -> Result<Document, FlagFileError> {
    let Value::Object(mut file) = within(text, DEEPEST)? else {
        return Err(FlagFileError::at("", "a flag file is an object with `flags`"));
    };
    let flags = definitions(file.remove("flags"))?;
    let mut section = |name: &str| match file.remove(name) {
        None | Some(Value::Null) => Ok(Map::new()),
        Some(Value::Object(members)) => Ok(members),
        Some(_) => Err(FlagFileError::at(format!("/{name}"), "an object is expected")),
    };
    let (evaluators, segments) = (section("$evaluators")?, section("segments")?);
    Ok(Document { flags, evaluators, segments, metadata: section("metadata")? })
}

fn parse(text: &str) -> Result<Value, FlagFileError> {
    let whole = |message: String| FlagFileError::at("", message);
    if text.trim_start().starts_with('{') {
        return serde_json::from_str(text).map_err(|error| whole(format!("no JSON: {error}")));
    }
    // `on` and `off` are the names of variants, as YAML 1.2 has it.
    let options = serde_saphyr::options! { strict_booleans: true };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| whole(format!("no YAML: {error}")))
}

fn is_within(value: &Value, levels: usize) -> bool {
    let inside = |value: &Value| levels.checked_sub(1).is_some_and(|levels| is_within(value, levels));
    match value {
        Value::Array(items) => items.iter().all(inside),
        Value::Object(members) => members.values().all(inside),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => true,
    }
}

fn definitions(flags: Option<Value>) -> Result<BTreeMap<String, Definition>, FlagFileError> {
    let flags: Vec<(String, Value)> = match flags {
        Some(Value::Object(flags)) => flags.into_iter().collect(),
        Some(Value::Array(flags)) => flags.into_iter().enumerate().map(keyed).collect::<Result<_, _>>()?,
        _ => return Err(FlagFileError::at("/flags", "an object of flags is expected")),
    };
    if flags.len() > MOST_FLAGS {
        return Err(FlagFileError::at("/flags", format!("there are more than {MOST_FLAGS} flags")));
    }
    let mut definitions = BTreeMap::new();
    for (key, flag) in flags {
        let definition = definition(&key, flag)?;
        definitions.insert(key, definition);
    }
    Ok(definitions)
}

fn keyed((index, flag): (usize, Value)) -> Result<(String, Value), FlagFileError> {
    match flag.get("key").and_then(Value::as_str) {
        Some(key) => Ok((key.to_owned(), flag)),
        None => Err(FlagFileError::at(format!("/flags/{index}"), "a flag in a list needs a `key`")),
    }
}

fn definition(key: &str, flag: Value) -> Result<Definition, FlagFileError> {
    let wrong = |rest: &str, message: String| FlagFileError::of_flag(key, rest, message);
    if key.is_empty() {
        return Err(wrong("", "a flag needs a key".to_owned()));
    }
    let Value::Object(mut flag) = flag else {
        return Err(wrong("", "a flag is an object".to_owned()));
    };
    let disabled = match flag.get("state").and_then(Value::as_str) {
        Some("ENABLED") => false,
        Some("DISABLED") => true,
        _ => return Err(wrong("/state", "the state is ENABLED or DISABLED".to_owned())),
    };
    let Some(Value::Object(variants)) = flag.remove("variants") else {
        return Err(wrong("/variants", "an object of variants is expected".to_owned()));
    };
    if variants.len() > MOST_VARIANTS {
        return Err(wrong("/variants", format!("there are more than {MOST_VARIANTS} variants")));
    }
    let default_variant = match flag.remove("defaultVariant") {
        None | Some(Value::Null) => None,
        Some(Value::String(name)) if name.is_empty() => None,
        Some(Value::String(name)) if variants.contains_key(&name) => Some(name),
        Some(name) => return Err(wrong("/defaultVariant", format!("{name} is no variant of the flag"))),
    };
    let metadata = match flag.remove("metadata") {
        None | Some(Value::Null) => Map::new(),
        Some(Value::Object(metadata)) => metadata,
        Some(_) => return Err(wrong("/metadata", "an object is expected".to_owned())),
    };
    Ok(Definition {
        disabled,
        variants,
        default_variant,
        targeting: targeting(flag.remove("targeting")),
        metadata,
    })
}

/// A rule that is empty is none.
fn targeting(rule: Option<Value>) -> Option<Value> {
    rule.filter(|rule| match rule {
        Value::Object(members) => !members.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::String(text) => !text.is_empty(),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    })
}

impl Definition {
    /// As flagd spells it.
    pub(crate) fn to_json(&self) -> Value {
        let mut flag = Map::new();
        flag.insert("state".to_owned(), json!(if self.disabled { "DISABLED" } else { "ENABLED" }));
        flag.insert("variants".to_owned(), Value::Object(self.variants.clone()));
        if let Some(name) = &self.default_variant {
            flag.insert("defaultVariant".to_owned(), json!(name));
        }
        if let Some(rule) = &self.targeting {
            flag.insert("targeting".to_owned(), rule.clone());
        }
        if !self.metadata.is_empty() {
            flag.insert("metadata".to_owned(), Value::Object(self.metadata.clone()));
        }
        Value::Object(flag)
    }
}
