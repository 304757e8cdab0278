//! `sticky`: keeps a client on its arm of a rollout.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use tidegate_core::model::{ClientKey, Sticky};
use tidegate_core::time::Millis;

use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::findings::Findings;
use crate::raw::choice::unknown_word;
use crate::raw::read::{Place, Read};
use crate::raw::record::record;
use crate::raw::text::Text;
use crate::raw::time::{DAY, Lasting, SECOND};
use crate::tree::Value;

record! { replaced
    /// Keeps a client on its arm: `cookie` or `by`.
    #[schemars(rename = "Sticky", extend("oneOf" = [{ "required": ["cookie"] }, { "required": ["by"] }]))]
    RawStickyMap is "`sticky`" {
        /// By a signed cookie of the gateway's own.
        cookie: RawStickyCookie,
        /// By what tells the client apart: `address`, `header:NAME` or `cookie:NAME`. Nothing is stored there.
        by: Text<ClientKey>,
    }
}

record! { replaced
    /// The gateway's own cookie.
    #[schemars(rename = "StickyCookie")]
    RawStickyCookie is "`cookie`" {
        /// How long it lasts. Default 7d.
        max_age: Lasting<SECOND, { 400 * DAY }>,
    }
}

/// `cookie`, or a map.
#[derive(Clone, Debug)]
pub(crate) struct RawSticky(pub(crate) Sticky);

const MAX_AGE: Millis = Millis(7 * DAY);

impl Read for RawSticky {
    fn read(place: &Place<'_>, findings: &mut Findings<'_>) -> Option<Self> {
        match &place.node.value {
            Value::Text(text) if text == "cookie" => Some(RawSticky(Sticky::Cookie { max_age: MAX_AGE })),
            Value::Text(text) => {
                findings.push(
                    unknown_word(text, "a way to be sticky", place.node.span, ["cookie"])
                        .help("write `cookie`, or what tells clients apart: `{ by: header:x-user }`"),
                );
                None
            }
            Value::Map(_) => read_map(place, findings).map(RawSticky),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::List(_) | Value::Reported => {
                place.report_type("`cookie` or a map", findings);
                None
            }
        }
    }
}

fn read_map(place: &Place<'_>, findings: &mut Findings<'_>) -> Option<Sticky> {
    let map = RawStickyMap::read(place, findings)?;
    if map.cookie.is_absent() == map.by.is_absent() {
        findings.push(
            Diagnostic::error(codes::TRAFFIC_OPTION, "`sticky` is to have either `cookie` or `by`")
                .at(place.key, "")
                .help("`cookie: { max_age: 7d }` gives clients a cookie, `by: header:x-user` uses what they send"),
        );
        return None;
    }
    let cookie = map
        .cookie
        .value()
        .map(|cookie| Sticky::Cookie { max_age: cookie.max_age.value().map_or(MAX_AGE, |age| age.0) });
    cookie.or_else(|| map.by.value().map(|Text(key)| Sticky::Key(key.clone())))
}

impl JsonSchema for RawSticky {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "StickyForms".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let map = generator.subschema_for::<RawStickyMap>();
        json_schema!({ "anyOf": [{ "type": "string", "enum": ["cookie"] }, map] })
    }
}
