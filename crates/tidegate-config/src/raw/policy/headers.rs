//! `headers`: fields that are set, added or removed on the way.

use tidegate_core::model::HeaderEdit;

use crate::codes::{self, Code};
use crate::findings::Findings;
use crate::raw::entries::Entries;
use crate::raw::header::{FieldName, FieldValue};
use crate::raw::read::{Place, Read};
use crate::raw::record::record;
use crate::raw::some::OneOrMore;
use crate::raw::text::{Rule, Text};

record! { replaced
    /// Header fields that are changed on the way.
    #[schemars(rename = "Headers")]
    RawHeaders is "`headers`" {
        /// Of requests, before the app sees them.
        request: RawHeaderEdit,
        /// Of answers, before the client sees them.
        response: RawHeaderEdit,
    }
}

record! { replaced
    /// Changes of header fields, in this order: `remove`, `set`, `add`.
    #[schemars(rename = "HeaderEdit")]
    RawEdits is "an edit of header fields" {
        /// Fields that are taken away.
        remove: OneOrMore<Text<Optional>>,
        /// Fields whose values are replaced. `{client}`, `{host}` and `{request_id}` in a value stand for the request's.
        set: Entries<Replaceable, Text<FieldValue>>,
        /// Fields that are added to those that are there.
        add: Entries<Optional, Text<FieldValue>>,
    }
}

/// A checked edit.
#[derive(Clone, Debug)]
pub(crate) struct RawHeaderEdit(pub(crate) HeaderEdit);

/// A field that may be replaced.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Replaceable(String);

/// A field that may be there any number of times.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Optional(String);

/// What says where a message ends or belongs to one connection. The gateway writes these itself; changed by hand they
/// would let one request be taken for two.
const FRAMING: [&str; 10] = [
    "connection",
    "content-length",
    "expect",
    "http2-settings",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

impl Rule for Replaceable {
    const WHAT: &'static str = "a header field that can be changed";
    const CODE: Code = codes::BAD_HEADER;
    const PATTERN: &'static str = FieldName::PATTERN;

    fn parse(text: &str) -> Result<Self, String> {
        let FieldName(name) = FieldName::parse(text)?;
        if FRAMING.contains(&name.as_str()) || name.starts_with("tidegate-") {
            return Err("the gateway writes this field itself".to_owned());
        }
        Ok(Replaceable(name))
    }
}

impl Rule for Optional {
    const WHAT: &'static str = "a header field that can be added or removed";
    const CODE: Code = codes::BAD_HEADER;
    const PATTERN: &'static str = FieldName::PATTERN;

    fn parse(text: &str) -> Result<Self, String> {
        let Replaceable(name) = Replaceable::parse(text)?;
        if name == "host" {
            return Err("a request has exactly one host: it can only be `set`".to_owned());
        }
        Ok(Optional(name))
    }
}

impl Read for RawHeaderEdit {
    fn read(place: &Place<'_>, findings: &mut Findings<'_>) -> Option<Self> {
        let raw = RawEdits::read(place, findings)?;
        let remove = raw.remove.value().map(|some| some.values().map(|Text(name)| name.0).collect());
        let set = raw.set.value().into_iter().flat_map(|entries| &entries.0);
        let add = raw.add.value().into_iter().flat_map(|entries| &entries.0);
        Some(RawHeaderEdit(HeaderEdit {
            remove: remove.unwrap_or_default(),
            set: set.map(|(name, Text(value))| (name.0.clone(), value.0.clone())).collect(),
            add: add.map(|(name, Text(value))| (name.0.clone(), value.0.clone())).collect(),
        }))
    }
}

impl schemars::JsonSchema for RawHeaderEdit {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "HeaderEditForms".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        generator.subschema_for::<RawEdits>()
    }
}
