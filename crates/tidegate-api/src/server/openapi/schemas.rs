//! The schemas of the document: of answers as they are written, of bodies and parameters as they are read. A type that is both, and
//! looks different, has two names: its own where it is answered, and with `Asked` behind it where it is asked.

use std::collections::BTreeSet;

use schemars::generate::SchemaSettings;
use schemars::transform::RecursiveTransform;
use schemars::{Schema, SchemaGenerator};
use serde_json::{Map, Value};

/// Has a generator describe a type, and all types in it.
pub(in crate::server) type SchemaOf = fn(&mut SchemaGenerator) -> Schema;

/// Where a document has its schemas.
const SCHEMAS: &str = "#/components/schemas/";
/// Where those of bodies are until it is known what they are called.
const ASKED: &str = "#/components/asked/";

/// The types that were asked for so far.
pub(super) struct Schemas {
    answers: SchemaGenerator,
    asked: SchemaGenerator,
}

impl Schemas {
    pub(super) fn new() -> Self {
        let settings = |path: &'static str| {
            SchemaSettings::draft2020_12()
                .with(|settings| settings.definitions_path = path.trim_end_matches('/').into())
                .with_transform(RecursiveTransform(without_links))
        };
        let answers = settings(SCHEMAS).for_serialize().with_transform(RecursiveTransform(open));
        Schemas {
            answers: answers.into_generator(),
            asked: settings(ASKED).for_deserialize().into_generator(),
        }
    }

    /// Of an answer.
    pub(super) fn answer(&mut self, of: SchemaOf) -> Value {
        of(&mut self.answers).to_value()
    }

    /// Of what is asked. Its references are good after [`Schemas::settle`].
    pub(super) fn asked(&mut self, of: SchemaOf) -> Value {
        let mut schema = of(&mut self.asked);
        self.asked.transforms_mut().for_each(|transform| transform.transform(&mut schema));
        schema.to_value()
    }

    /// All types by name; corrects the references to them in what was made of this.
    pub(super) fn settle(mut self, paths: &mut Value) -> Map<String, Value> {
        let mut all = self.answers.take_definitions(true);
        let mut asked = self.asked.take_definitions(true);
        let twofold = twofold(&all, &asked);
        let name = |name: &str| match twofold.contains(name) {
            true => format!("{name}Asked"),
            false => name.to_owned(),
        };
        each_reference(paths, &mut |place| rename(place, name));
        for (own, schema) in &mut asked {
            each_reference(schema, &mut |place| rename(place, name));
            let schema = schema.take();
            let before = all.insert(name(own), schema.clone());
            debug_assert!(before.is_none_or(|before| before == schema), "two types are called {}", name(own));
        }
        all.sort_keys();
        all
    }
}

fn rename(place: &mut String, name: impl Fn(&str) -> String) {
    if let Some(own) = place.strip_prefix(ASKED) {
        *place = format!("{SCHEMAS}{}", name(own));
    }
}

/// The names of types that are not the same asked as answered, by themselves or by what is in them.
fn twofold(answers: &Map<String, Value>, asked: &Map<String, Value>) -> BTreeSet<String> {
    let differs = |(name, schema): &(&String, &Value)| {
        let mut plain = (*schema).clone();
        each_reference(&mut plain, &mut |place| rename(place, str::to_owned));
        answers.get(*name).is_some_and(|answer| *answer != plain)
    };
    let mut found: BTreeSet<String> = asked.iter().filter(differs).map(|(name, _)| name.clone()).collect();
    loop {
        let refers = |schema: &Value| {
            let mut any = false;
            each_reference(&mut schema.clone(), &mut |place| {
                any |= place.strip_prefix(ASKED).is_some_and(|name| found.contains(name));
            });
            any
        };
        let more = asked.iter().filter(|(name, schema)| answers.contains_key(*name) && refers(schema));
        let more: BTreeSet<String> = more.map(|(name, _)| name.clone()).collect();
        let before = found.len();
        found.extend(more);
        if found.len() == before {
            return found;
        }
    }
}

/// Goes through everything that a document refers to.
pub(super) fn each_reference(value: &mut Value, with: &mut impl FnMut(&mut String)) {
    match value {
        Value::Object(members) => {
            if let Some(Value::String(place)) = members.get_mut("$ref") {
                with(place);
            }
            members.values_mut().for_each(|member| each_reference(member, with));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| each_reference(item, with)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// A later version may answer more: who reads answers passes over what they do not know.
fn open(schema: &mut Schema) {
    if schema.get("additionalProperties") == Some(&Value::Bool(false)) {
        schema.remove("additionalProperties");
    }
}

/// Descriptions are the comments of the types, whose links lead nowhere here.
fn without_links(schema: &mut Schema) {
    if let Some(Value::String(text)) = schema.get_mut("description") {
        *text = text.replace('\n', " ");
        while let Some((before, text_of, after)) = link(text) {
            *text = format!("{before}{text_of}{after}");
        }
        *text = text.replace("[`", "`").replace("`]", "`");
    }
}

/// The first `[text](target)`: what is before it, its text, what is after it.
fn link(text: &str) -> Option<(&str, &str, &str)> {
    let (head, tail) = text.split_once("](")?;
    let (before, of) = head.rsplit_once('[')?;
    let (_target, after) = tail.split_once(')')?;
    Some((before, of, after))
}
