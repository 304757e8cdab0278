//! Values for a JSON Schema: everything it knows of a manifest can come up, whatever keys are added to it.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use serde_json::{Value, json};

use super::text::text;

/// Most entries of a list or a map, and most keys of an object besides those it must have.
const FEW: usize = 3;
/// Keys that say nothing to a gateway, or are for later.
const LEFT_OUT: [&str; 8] = ["env", "limits", "probes", "stop", "strategy", "scale", "drain", "port"];

/// A schema with the names it may refer to.
#[derive(Clone, Copy)]
pub struct Schema<'s> {
    pub root: &'s Value,
    /// What stands for the name of a service.
    pub services: &'static [&'static str],
}

impl Schema<'_> {
    /// Values of a definition.
    pub fn of(self, name: &str) -> BoxedStrategy<Value> {
        self.value(&self.root["$defs"][name])
    }

    fn value(self, schema: &Value) -> BoxedStrategy<Value> {
        if let Some(name) = schema["$ref"].as_str().and_then(|name| name.rsplit('/').next()) {
            return if name == "Name" {
                select(self.services).prop_map(Value::from).boxed()
            } else {
                self.of(name)
            };
        }
        if let Some(forms) = schema["anyOf"].as_array() {
            return proptest::strategy::Union::new(forms.iter().map(|form| self.value(form))).boxed();
        }
        if let Some(words) = schema["enum"].as_array() {
            return select(words.clone()).boxed();
        }
        if !schema["const"].is_null() {
            return Just(schema["const"].clone()).boxed();
        }
        match schema["type"].as_str().or_else(|| schema["type"][0].as_str()) {
            Some("string") => text(schema["pattern"].as_str().unwrap()).prop_map(Value::from).boxed(),
            Some("boolean") => any::<bool>().prop_map(Value::from).boxed(),
            Some("integer") => integer(schema),
            Some("array") => list(self.value(&schema["items"])),
            Some("object") if schema["properties"].is_object() => self.object(schema),
            Some("object") => self.map(schema),
            other => panic!("{other:?} in {schema}"),
        }
    }

    fn map(self, schema: &Value) -> BoxedStrategy<Value> {
        let name = text(schema["propertyNames"]["pattern"].as_str().unwrap());
        let value = self.value(&schema["additionalProperties"]);
        let entries = proptest::collection::btree_map(name, value, 1..=FEW);
        entries.prop_map(|entries| json!(entries)).boxed()
    }

    /// What it must have, and a few of its other keys. Of alternatives one.
    fn object(self, schema: &Value) -> BoxedStrategy<Value> {
        let fields = schema["properties"].as_object().unwrap().iter();
        let fields = fields.filter(|(key, _)| !LEFT_OUT.contains(&key.as_str()));
        let values: BTreeMap<String, BoxedStrategy<Value>> =
            fields.map(|(key, of)| (key.clone(), self.value(of))).collect();
        let (must, ways) = (required(schema), ways(schema));
        let others = values.keys().filter(|key| !must.contains(key) && !ways.concat().contains(key));
        let others: Vec<String> = others.cloned().collect();
        let least = usize::from(schema["minProperties"].is_u64()).min(others.len());
        let most = FEW.min(others.len());
        (select(ways), subsequence(others, least..=most))
            .prop_flat_map(move |(way, some)| {
                let keys = must.iter().chain(&way).chain(&some);
                keys.map(|key| (Just(key.clone()), values[key].clone())).collect::<Vec<_>>()
            })
            .prop_map(|fields| Value::Object(fields.into_iter().collect()))
            .boxed()
    }
}

fn required(schema: &Value) -> Vec<String> {
    let keys = schema["required"].as_array().into_iter().flatten();
    keys.map(|key| key.as_str().unwrap().to_owned()).collect()
}

/// The keys of which one set is to be there.
fn ways(schema: &Value) -> Vec<Vec<String>> {
    schema["oneOf"].as_array().map_or_else(|| vec![Vec::new()], |ways| ways.iter().map(required).collect())
}

fn integer(schema: &Value) -> BoxedStrategy<Value> {
    let (least, most) = (schema["minimum"].as_i64().unwrap(), schema["maximum"].as_i64().unwrap());
    prop_oneof![Just(least), Just(most), least..=most].prop_map(Value::from).boxed()
}

fn list(item: BoxedStrategy<Value>) -> BoxedStrategy<Value> {
    proptest::collection::vec(item, 1..=FEW).prop_map(Value::from).boxed()
}
