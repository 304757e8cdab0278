//! `maintenance`: a page for everybody instead of the app.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use tidegate_core::model::Maintenance;

use crate::codes::{self, Code};
use crate::findings::Findings;
use crate::raw::network::Network;
use crate::raw::read::{Place, Read};
use crate::raw::record::record;
use crate::raw::some::OneOrMore;
use crate::raw::text::{Rule, Text};
use crate::raw::time::{DAY, Lasting, SECOND};
use crate::raw::whole::Whole;
use crate::tree::Value;

record! { replaced
    /// A page for everybody instead of the app.
    #[schemars(rename = "Maintenance")]
    RawMaintenanceMap is "`maintenance`" {
        /// The status of the answer. Default 503.
        status: Whole<400, 599>,
        /// Its text; HTML where it begins with `<`.
        body: Text<Body>,
        /// When clients may come again, as `Retry-After`.
        retry_after: Lasting<SECOND, { 30 * DAY }>,
        /// Addresses or networks that reach the app all the same.
        allow: OneOrMore<Text<Network>>,
    }
}

/// `true`, `false`, the text of the page, or a map. `None`: there is none.
#[derive(Clone, Debug)]
pub(crate) struct RawMaintenance(pub(crate) Option<Maintenance>);

/// The text of a page.
#[derive(Clone, Debug)]
pub(crate) struct Body(String);

const LONGEST: usize = 64 * 1024;
const UNAVAILABLE: u16 = 503;
const BODY: &str = "This site is in maintenance and will be back soon.\n";

impl Rule for Body {
    const WHAT: &'static str = "the text of a page";
    const CODE: Code = codes::BAD_TEXT;
    const PATTERN: &'static str = "\\S";

    fn parse(text: &str) -> Result<Self, String> {
        if text.trim().is_empty() || text.len() > LONGEST || text.contains('\0') {
            return Err("at least a word, at most 64 KiB and no NUL".to_owned());
        }
        Ok(Body(text.to_owned()))
    }
}

fn page(body: String) -> Maintenance {
    Maintenance { status: UNAVAILABLE, body, retry_after: None, allow: Vec::new() }
}

impl Read for RawMaintenance {
    fn read(place: &Place<'_>, findings: &mut Findings<'_>) -> Option<Self> {
        match &place.node.value {
            Value::Bool(word) => {
                let wanted = word.eq_ignore_ascii_case("true");
                Some(RawMaintenance(wanted.then(|| page(BODY.to_owned()))))
            }
            Value::Text(_) => {
                let Text(Body(body)) = Text::<Body>::read(place, findings)?;
                Some(RawMaintenance(Some(page(body))))
            }
            Value::Map(_) => read_map(place, findings).map(Some).map(RawMaintenance),
            Value::Null | Value::Number(_) | Value::List(_) | Value::Reported => {
                place.report_type("`true`, a text or a map", findings);
                None
            }
        }
    }
}

fn read_map(place: &Place<'_>, findings: &mut Findings<'_>) -> Option<Maintenance> {
    let map = RawMaintenanceMap::read(place, findings)?;
    let status = map.status.value().and_then(|status| u16::try_from(status.0).ok());
    let allow = map.allow.value().map(|some| some.values().map(|Text(network)| network.0).collect());
    Some(Maintenance {
        status: status.unwrap_or(UNAVAILABLE),
        body: map.body.value().map_or_else(|| BODY.to_owned(), |Text(Body(body))| body.clone()),
        retry_after: map.retry_after.value().map(|after| after.0),
        allow: allow.unwrap_or_default(),
    })
}

impl JsonSchema for RawMaintenance {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "MaintenanceForms".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let map = generator.subschema_for::<RawMaintenanceMap>();
        json_schema!({ "anyOf": [{ "type": "boolean" }, { "type": "string", "pattern": "\\S" }, map] })
    }
}
