//! `balance`: how an instance is chosen.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use tidegate_core::model::{Balance, ClientKey};

use crate::findings::Findings;
use crate::raw::choice::unknown_word;
use crate::raw::fields::required;
use crate::raw::read::{Place, Read};
use crate::raw::record::record;
use crate::raw::text::Text;
use crate::tree::Value;

record! { replaced
    /// The same client meets the same instance while it is there.
    #[schemars(rename = "BalanceByHash", extend("required" = ["hash"]))]
    RawHash is "`balance`" {
        /// What a client is: `address`, `header:NAME` or `cookie:NAME`.
        hash: Text<ClientKey>,
    }
}

/// A word, or a map with `hash`.
#[derive(Clone, Debug)]
pub(crate) struct RawBalance(pub(crate) Balance);

const WORDS: [(&str, Balance); 4] = [
    ("least-request", Balance::LeastRequest),
    ("round-robin", Balance::RoundRobin),
    ("peak-ewma", Balance::PeakEwma),
    ("geographic", Balance::Geographic),
];

fn words() -> [&'static str; 4] {
    WORDS.map(|(word, _)| word)
}

impl Read for RawBalance {
    fn read(place: &Place<'_>, findings: &mut Findings<'_>) -> Option<Self> {
        match &place.node.value {
            Value::Text(text) => {
                let known = WORDS.into_iter().find(|(word, _)| word == text);
                if known.is_none() {
                    let problem = unknown_word(text, "a way to balance", place.node.span, words());
                    findings.push(if text == "hash" {
                        problem
                            .help("say what a client is: `{ hash: address }` or `{ hash: cookie:session }`")
                    } else {
                        problem
                    });
                }
                known.map(|(_, balance)| RawBalance(balance))
            }
            Value::Map(_) => {
                let map = RawHash::read(place, findings)?;
                let Text(key) = required(&map.hash, "hash", place, findings)?;
                Some(RawBalance(Balance::Hash(key)))
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::List(_) | Value::Reported => {
                place.report_type("a word like `round-robin` or a map with `hash`", findings);
                None
            }
        }
    }
}

impl JsonSchema for RawBalance {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "BalanceForms".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let map = generator.subschema_for::<RawHash>();
        json_schema!({ "anyOf": [{ "type": "string", "enum": words() }, map] })
    }
}
