//! The OpenAPI document, made from the table of endpoints and from the types themselves.

use bytes::Bytes;
use serde::de::{self, DeserializeOwned, Deserializer, Visitor};
use serde_json::{Map, Value, json};

use super::endpoint::{Content, Endpoint};
use super::endpoints;
use crate::wire::{PROBLEM_TYPE, Problem};

/// The document as JSON.
pub(super) fn document() -> Bytes {
    Bytes::from(describe(&endpoints::all()).to_string())
}

fn describe(endpoints: &[Endpoint]) -> Value {
    let mut paths = Map::new();
    let mut schemas = Map::new();
    for endpoint in endpoints {
        let contents = endpoint.body.iter().chain([&endpoint.answer]);
        for (name, fields) in contents.filter_map(|content| content.object) {
            schemas.insert(name.to_owned(), schema(fields));
        }
        let path = paths.entry(endpoint.path).or_insert_with(|| json!({}));
        path[endpoint.method] = operation(endpoint);
    }
    schemas.insert("Problem".to_owned(), problem_schema());
    json!({
        "openapi": "3.1.0",
        "info": { "title": "Tidegate", "version": env!("CARGO_PKG_VERSION"), "license": { "name": "Apache-2.0" } },
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "token": { "type": "http", "scheme": "bearer" },
                "serverKey": { "type": "http", "scheme": "bearer", "description": "A server key of the environment's flags" },
            },
        },
        "security": [{ "token": [] }],
    })
}

fn operation(endpoint: &Endpoint) -> Value {
    let in_path = path_parts(endpoint.path).map(|name| parameter(name, "path"));
    let in_query = endpoint.query.iter().map(|name| parameter(name, "query"));
    let mut operation = json!({
        "operationId": endpoint.id,
        "summary": endpoint.summary,
        "parameters": in_path.chain(in_query).collect::<Vec<_>>(),
        "responses": {
            "200": { "description": "Done", "content": content(&endpoint.answer) },
            "default": {
                "description": "Not done, and why",
                "content": { PROBLEM_TYPE: { "schema": { "$ref": "#/components/schemas/Problem" } } },
            },
        },
    });
    if let Some(body) = &endpoint.body {
        operation["requestBody"] = json!({ "required": true, "content": content(body) });
    }
    if endpoint.open {
        operation["security"] = json!([]);
    }
    if endpoint.for_keys {
        operation["security"] = json!([{ "token": [] }, { "serverKey": [] }]);
    }
    operation
}

fn path_parts(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
}

fn parameter(name: &str, place: &str) -> Value {
    json!({ "name": name, "in": place, "required": place == "path", "schema": { "type": "string" } })
}

fn content(content: &Content) -> Value {
    let schema = match content.object {
        Some((name, _)) => json!({ "$ref": format!("#/components/schemas/{name}") }),
        None => json!({}),
    };
    json!({ content.media: { "schema": schema } })
}

fn schema(fields: &[&str]) -> Value {
    let properties: Map<String, Value> =
        fields.iter().map(|field| ((*field).to_owned(), json!({}))).collect();
    json!({ "type": "object", "properties": properties })
}

/// Its refusal is flattened into it, so serde does not know all of its fields as one list.
fn problem_schema() -> Value {
    let _: fn(Problem) = |Problem { type_: _, title: _, status: _, refusal: _ }| {};
    let mut fields = vec!["type", "title", "status"];
    fields.extend(fields_of::<tidegate_control::Refusal>().1);
    schema(&fields)
}

/// A struct's name and the names of its fields as they stand in JSON, learned from its `Deserialize`.
pub(super) fn fields_of<T: DeserializeOwned>() -> (&'static str, &'static [&'static str]) {
    let mut found = ("", [].as_slice());
    // It always fails: what it is for is what it was asked.
    let _ = T::deserialize(Asked(&mut found));
    found
}

struct Asked<'a>(&'a mut (&'static str, &'static [&'static str]));

impl<'de> Deserializer<'de> for Asked<'_> {
    type Error = de::value::Error;

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Self::Error> {
        *self.0 = (name, fields);
        Err(de::Error::custom("asked"))
    }

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Self::Error> {
        Err(de::Error::custom("no struct"))
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_endpoint_is_described_once_with_the_fields_of_its_types() {
        let all = endpoints::all();
        let document = describe(&all);
        let ids: BTreeSet<_> = all.iter().map(|endpoint| endpoint.id).collect();
        assert_eq!(ids.len(), all.len());
        for endpoint in &all {
            assert_eq!(document["paths"][endpoint.path][endpoint.method]["operationId"], endpoint.id);
            if let Some((name, fields)) = endpoint.answer.object {
                assert!(!fields.is_empty(), "{name} of {} has no fields", endpoint.id);
            }
        }
        assert!(document["components"]["schemas"]["Status"]["properties"]["gateway"].is_object());
        assert!(document["components"]["schemas"]["Problem"]["properties"]["diagnostics"].is_object());
    }
}
