//! The OpenAPI document, made from the table of endpoints and from the types themselves.

mod parameter;
mod path;
mod schemas;

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::endpoint::{Content, Endpoint};
use super::endpoints;
use crate::wire::{PROBLEM_TYPE, Problem};

pub(super) use path::ReadsPath;
pub(super) use schemas::SchemaOf;
use schemas::Schemas;

/// The document as JSON.
pub(super) fn document() -> Bytes {
    Bytes::from(describe(&endpoints::all()).to_string())
}

fn describe(endpoints: &[Endpoint]) -> Value {
    let mut schemas = Schemas::new();
    let problem = schemas.answer(|generator| generator.subschema_for::<Problem>());
    let mut paths = Map::new();
    for endpoint in endpoints {
        let path = paths.entry(endpoint.path).or_insert_with(|| json!({}));
        path[endpoint.method] = operation(endpoint, &mut schemas, &problem);
    }
    let mut paths = Value::Object(paths);
    let schemas = schemas.settle(&mut paths);
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

fn operation(endpoint: &Endpoint, schemas: &mut Schemas, problem: &Value) -> Value {
    let mut parameters = parameter::of_path(endpoint, schemas);
    parameters.extend(parameter::of_query(endpoint, schemas));
    let answer = endpoint.answer.schema.map_or_else(|| json!({}), |of| schemas.answer(of));
    let mut operation = json!({
        "operationId": endpoint.id,
        "summary": endpoint.summary,
        "parameters": parameters,
        "responses": {
            "200": { "description": "Done", "content": content(&endpoint.answer, answer) },
            "default": { "description": "Not done, and why", "content": { PROBLEM_TYPE: { "schema": problem } } },
        },
    });
    if let Some(body) = &endpoint.body {
        let schema = body.schema.map_or_else(|| json!({}), |of| schemas.asked(of));
        operation["requestBody"] = json!({ "required": true, "content": content(body, schema) });
    }
    if endpoint.open {
        operation["security"] = json!([]);
    }
    if endpoint.for_keys {
        operation["security"] = json!([{ "token": [] }, { "serverKey": [] }]);
    }
    operation
}

fn content(content: &Content, schema: Value) -> Value {
    json!({ content.media: { "schema": schema } })
}

/// The names of a type's fields as they stand in JSON.
#[cfg(test)]
pub(super) fn fields_of(schema: SchemaOf) -> std::collections::BTreeSet<String> {
    let mut generator = schemars::SchemaGenerator::default();
    let whole = schema(&mut generator).to_value();
    let name = whole["$ref"].as_str().and_then(|place| place.strip_prefix("#/$defs/"));
    let whole = name.map_or(&whole, |name| &generator.definitions()[name]);
    let fields = whole["properties"].as_object().into_iter().flatten();
    fields.map(|(field, _)| field.clone()).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// What may be any JSON: it is what users wrote, in flagd's format.
    const FREE: [&str; 6] = [
        "ExperimentDesign.rule",
        "FlagInGit.experiment",
        "FlagInGit.rule",
        "FlagInGit.variants.*",
        "FlagSetView.definitions",
        "FlagSetView.effective",
    ];
    /// Operations that answer with JSON of no type.
    const UNTYPED: [&str; 1] = ["openapi"];

    fn all() -> Value {
        describe(&endpoints::all())
    }

    #[test]
    fn every_endpoint_is_described_once_with_the_types_of_its_answer() {
        let all = endpoints::all();
        let document = describe(&all);
        let ids: BTreeSet<_> = all.iter().map(|endpoint| endpoint.id).collect();
        assert_eq!(ids.len(), all.len());
        for endpoint in &all {
            assert_eq!(document["paths"][endpoint.path][endpoint.method]["operationId"], endpoint.id);
        }
        let schemas = &document["components"]["schemas"];
        assert_eq!(
            schemas["Status"]["properties"]["gateway"],
            json!({ "$ref": "#/components/schemas/GatewayStatus", "description": "The gateway in front of them." })
        );
        assert_eq!(schemas["InstanceStatus"]["properties"]["files"]["type"], "boolean");
        assert_eq!(schemas["Problem"]["properties"]["diagnostics"]["type"], "array");
    }

    /// The places within a schema that say nothing of a value.
    fn free(schema: &Value, place: &str, found: &mut BTreeSet<String>) {
        let says = ["type", "$ref", "anyOf", "oneOf", "enum", "const"];
        if *schema != json!(false) && !says.iter().any(|word| schema.get(word).is_some()) {
            found.insert(place.to_owned());
        }
        for (property, schema) in schema["properties"].as_object().into_iter().flatten() {
            free(schema, &format!("{place}.{property}"), found);
        }
        for (word, name) in [("items", "[]"), ("additionalProperties", ".*")] {
            schema.get(word).into_iter().for_each(|schema| free(schema, &format!("{place}{name}"), found));
        }
        for word in ["anyOf", "oneOf", "prefixItems"] {
            let schemas = schema.get(word).and_then(Value::as_array).into_iter().flatten();
            schemas.for_each(|schema| free(schema, place, found));
        }
    }

    /// All descriptions in a value.
    fn descriptions(value: &Value) -> Vec<&str> {
        let own = value.get("description").and_then(Value::as_str);
        let members = value.as_object().into_iter().flatten().map(|(_, member)| member);
        let items = value.as_array().into_iter().flatten();
        own.into_iter().chain(members.chain(items).flat_map(descriptions)).collect()
    }

    #[test]
    fn descriptions_have_no_links_of_the_code() {
        let document = all();
        let all = descriptions(&document);
        assert!(all.len() > 500, "{}", all.len());
        let linked: Vec<_> = all.iter().filter(|text| text.contains("](") || text.contains("[`")).collect();
        assert!(linked.is_empty(), "{linked:?}");
    }

    #[test]
    fn everything_has_a_type() {
        let document = all();
        let mut found = BTreeSet::new();
        for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
            free(schema, name, &mut found);
        }
        assert_eq!(found.iter().map(String::as_str).collect::<Vec<_>>(), FREE);
        let endpoints = endpoints::all();
        let untyped = endpoints.iter().filter(|endpoint| endpoint.answer.schema.is_none());
        let untyped = untyped.filter(|endpoint| endpoint.answer.media.contains("json"));
        assert_eq!(untyped.map(|endpoint| endpoint.id).collect::<BTreeSet<_>>(), UNTYPED.into());
        for operation in endpoints.iter().map(|it| &document["paths"][it.path][it.method]) {
            for parameter in operation["parameters"].as_array().unwrap() {
                let mut found = BTreeSet::new();
                free(&parameter["schema"], "", &mut found);
                assert!(found.is_empty(), "{operation}");
            }
        }
    }

    #[test]
    fn every_reference_leads_to_a_schema_and_every_schema_is_used() {
        let mut document = all();
        let mut places = BTreeSet::new();
        schemas::each_reference(&mut document.clone(), &mut |place| {
            places.insert(place.clone());
        });
        for place in &places {
            let found = place.strip_prefix('#').and_then(|pointer| document.pointer(pointer));
            assert!(found.is_some(), "{place}");
        }
        for (name, _) in document["components"]["schemas"].as_object_mut().unwrap() {
            assert!(places.contains(&format!("#/components/schemas/{name}")), "{name} is nowhere");
            // How a generator tells two types apart that have the same name.
            assert!(!name.ends_with(|letter: char| letter.is_ascii_digit()), "{name}: name it");
        }
    }

    #[test]
    fn bodies_are_closed_and_answers_are_open() {
        let document = all();
        let schemas = &document["components"]["schemas"];
        assert_eq!(schemas["ScaleBody"]["additionalProperties"], false);
        assert_eq!(schemas["Status"].get("additionalProperties"), None);
        // Asked and answered.
        assert_eq!(schemas["PolicyFileAsked"]["additionalProperties"], false);
        assert_eq!(schemas["PolicyFile"].get("additionalProperties"), None);
        let files = &schemas["PoliciesBody"]["properties"]["files"]["items"]["$ref"];
        assert_eq!(files, "#/components/schemas/PolicyFileAsked");
    }

    #[test]
    fn answers_require_what_is_always_there() {
        let document = all();
        let required = |name: &str| {
            let list = document["components"]["schemas"][name]["required"].as_array();
            let names = list.into_iter().flatten().map(|name| name.as_str().unwrap().to_owned());
            names.collect::<BTreeSet<_>>()
        };
        let status = required("Status");
        assert!(
            status.contains("app") && status.contains("jobs") && !status.contains("preview"),
            "{status:?}"
        );
        assert!(!required("ScaleBody").contains("break_glass"));
    }

    #[test]
    fn parameters_have_the_types_of_what_reads_them() {
        let document = all();
        let of = |path: &str, method: &str, name: &str| {
            let all = document["paths"][path][method]["parameters"].as_array().unwrap();
            all.iter().find(|parameter| parameter["name"] == name).unwrap().clone()
        };
        let reference = |name: &str| json!({ "$ref": format!("#/components/schemas/{name}") });
        let app = of("/v1/status", "get", "app");
        assert_eq!((&app["schema"], &app["required"]), (&reference("Name"), &json!(false)));
        assert_eq!(of("/v1/events", "get", "follow")["schema"]["type"], "boolean");
        assert_eq!(of("/v1/deploys/{id}", "get", "id")["schema"]["type"], "integer");
        let path = of("/v1/parameters/history", "get", "path");
        assert_eq!((&path["schema"], &path["required"]), (&reference("ParameterPath"), &json!(true)));
        let action = "/v1/services/{service}/rollout/{action}";
        assert_eq!(of(action, "post", "service")["schema"], reference("Name"));
        assert_eq!(of(action, "post", "action")["schema"], reference("RolloutAction"));
    }
}
