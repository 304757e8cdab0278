//! The parameters of an operation: parts of its path, and its query string.

use serde_json::{Map, Value, json};

use super::schemas::Schemas;
use crate::server::endpoint::Endpoint;

/// The variable parts of its path.
pub(super) fn of_path(endpoint: &Endpoint, schemas: &mut Schemas) -> Vec<Value> {
    let names = endpoint.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let schema = endpoint.parts.map_or_else(|| json!({ "type": "string" }), |of| schemas.asked(of));
    let parts = match schema.get("prefixItems") {
        Some(Value::Array(parts)) => parts.clone(),
        Some(_) | None => vec![schema],
    };
    names.zip(parts).map(|(name, schema)| parameter(name, "path", true, schema)).collect()
}

/// The properties of what its query string is read as.
pub(super) fn of_query(endpoint: &Endpoint, schemas: &mut Schemas) -> Vec<Value> {
    let Some(of) = endpoint.query else { return Vec::new() };
    let mut whole = schemas.asked(of);
    let required = whole["required"].take();
    let is_required = |name: &str| required.as_array().is_some_and(|all| all.iter().any(|one| one == name));
    let Value::Object(properties) = whole["properties"].take() else { return Vec::new() };
    let parameters = properties.into_iter();
    parameters.map(|(name, schema)| parameter(&name, "query", is_required(&name), some(schema))).collect()
}

fn parameter(name: &str, place: &str, required: bool, mut schema: Value) -> Value {
    let description = schema.as_object_mut().and_then(|schema| schema.remove("description"));
    let mut parameter = json!({ "name": name, "in": place, "required": required });
    if let Some(description) = description {
        parameter["description"] = description;
    }
    parameter["schema"] = schema;
    parameter
}

/// A query string has no `null`: what is not there is left out.
fn some(schema: Value) -> Value {
    let Value::Object(mut schema) = schema else { return schema };
    if schema.get("default").is_some_and(Value::is_null) {
        schema.remove("default");
    }
    if let Some(Value::Array(types)) = schema.get_mut("type") {
        types.retain(|name| name != "null");
        if let [only] = types.as_slice() {
            let only = only.clone();
            schema.insert("type".to_owned(), only);
        }
    }
    if let Some(Value::Array(mut choices)) = schema.remove("anyOf") {
        choices.retain(|choice| *choice != json!({ "type": "null" }));
        match choices.as_mut_slice() {
            [Value::Object(only)] => schema.append(&mut std::mem::take::<Map<String, Value>>(only)),
            _ => drop(schema.insert("anyOf".to_owned(), Value::Array(choices))),
        }
    }
    Value::Object(schema)
}
