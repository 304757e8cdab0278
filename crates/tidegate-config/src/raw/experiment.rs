//! How an experiment on a flag goes, as typed: kept as it stands, for the core reads it from the flag's metadata. Its schema is here.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use tidegate_core::experiment::MOST_METRICS;

use super::json::AnyJson;
use super::read::{Place, Read};
use crate::findings::Findings;

/// See the module.
#[derive(Clone, Debug)]
pub(crate) struct RawExperiment(pub(crate) AnyJson);

impl Read for RawExperiment {
    fn read(place: &Place<'_>, findings: &mut Findings<'_>) -> Option<Self> {
        AnyJson::read(place, findings).map(RawExperiment)
    }
}

impl JsonSchema for RawExperiment {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Experiment".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let user = "^(cookie|header|claim):.+$";
        json_schema!({
            "description": "How an experiment goes.",
            "type": "object",
            "additionalProperties": false,
            "required": ["users"],
            "properties": {
                "users": {
                    "description": "After so many users it is over, whatever was found.",
                    "type": "integer", "minimum": 100, "maximum": 1_000_000
                },
                "metric": {
                    "description": "What is measured; the first decides. The gateway's own: `gateway.errors`, `gateway.latency`. Default: the flag's `metric`.",
                    "anyOf": [metric(), { "type": "array", "items": metric(), "minItems": 1, "maxItems": MOST_METRICS }]
                },
                "user": {
                    "description": "What of a request tells the gateway its user, the first that a request has: `cookie:NAME`, `header:NAME` or `claim:NAME`. With it the gateway says who was given what.",
                    "anyOf": [
                        { "type": "string", "pattern": user },
                        { "type": "array", "items": { "type": "string", "pattern": user }, "minItems": 1, "maxItems": 8 }
                    ]
                },
                "control": { "description": "The variant that the others are compared with. Default: the default variant.", "type": "string" },
                "alpha": { "description": "All intervals hold at all times together, but for this probability. Default 0.05.", "type": "number", "minimum": 0.0001, "maximum": 0.2 },
                "within": { "description": "How long after they were first seen a user's events count. Default 24h.", "type": "string" },
                "worth": { "description": "The smallest difference worth having: where none of it is left, it is over.", "type": "number", "exclusiveMinimum": 0 }
            }
        })
    }
}

/// A name, or all of a metric.
fn metric() -> serde_json::Value {
    serde_json::json!({
        "anyOf": [
            { "type": "string" },
            {
                "type": "object",
                "additionalProperties": false,
                "required": ["name"],
                "properties": {
                    "name": { "description": "What apps call it, or `gateway.errors` or `gateway.latency`.", "type": "string" },
                    "limit": { "description": "A user counts for no more. Default 1; 10000 of `gateway.latency`, in milliseconds.", "type": "number", "exclusiveMinimum": 0 },
                    "better": { "description": "Which is better. Default more; less of the gateway's own.", "enum": ["more", "less"] }
                }
            }
        ]
    })
}
