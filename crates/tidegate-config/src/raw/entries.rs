//! Maps whose keys follow a rule: header fields, users.

use std::borrow::Cow;
use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::fields::read_entry;
use super::name::YAML_1_1_WORDS;
use super::read::{Place, Read};
use super::text::{Rule, parse_text};
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::findings::Findings;
use crate::quote::quote;
use crate::tree::{Key, Value};

/// At most 100 values by key.
#[derive(Clone, Debug)]
pub(crate) struct Entries<K, V>(pub(crate) BTreeMap<K, V>);

const MOST: usize = 100;

impl<K: Rule + Ord, V: Read> Read for Entries<K, V> {
    fn read(place: &Place<'_>, findings: &mut Findings<'_>) -> Option<Self> {
        let Value::Map(entries) = &place.node.value else {
            place.report_type("a map from names to values", findings);
            return None;
        };
        if entries.len() > MOST {
            let message =
                format!("{} has {} entries, and at most {MOST} are allowed", place.subject, entries.len());
            findings.push(Diagnostic::error(codes::TOO_MANY, message).at(place.key, ""));
            return None;
        }
        let mut read = BTreeMap::new();
        for entry in entries {
            let key = read_key::<K>(&entry.key, findings);
            let value = read_entry::<V>(entry, findings);
            let (Some(key), Some(value)) = (key, value.value().cloned()) else { continue };
            if read.insert(key, value).is_some() {
                findings.push(again(&entry.key));
            }
        }
        Some(Entries(read))
    }
}

fn read_key<K: Rule>(key: &Key, findings: &mut Findings<'_>) -> Option<K> {
    if key.plain && YAML_1_1_WORDS.contains(&key.text.to_ascii_lowercase().as_str()) {
        let message =
            format!("many YAML readers turn the key {} into a boolean or nothing", quote(&key.text));
        let help = format!("put it in quotes: \"{}\"", key.text);
        findings.push(Diagnostic::error(codes::YAML_BOOLEAN, message).at(key.span, "").help(help));
        return None;
    }
    parse_text(&key.text, key.span, findings)
}

fn again(key: &Key) -> Diagnostic {
    let message = format!("{} stands twice here: capitals make no difference", quote(&key.text));
    Diagnostic::error(codes::DUPLICATE_KEY, message).at(key.span, "again").help("remove one of them")
}

impl<K: Rule, V: JsonSchema> JsonSchema for Entries<K, V> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("EntriesOf{}", V::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let values = generator.subschema_for::<V>();
        json_schema!({
            "type": "object",
            "propertyNames": { "pattern": K::PATTERN },
            "additionalProperties": values,
            "maxProperties": MOST
        })
    }
}
