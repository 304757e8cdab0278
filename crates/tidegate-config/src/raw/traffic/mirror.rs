//! `mirror`: a copy of some requests, whose answers are thrown away.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use tidegate_core::model::Name;

use crate::findings::Findings;
use crate::raw::fields::required;
use crate::raw::flag::Flag;
use crate::raw::name::NameText;
use crate::raw::percent::Percent;
use crate::raw::read::{Place, Read};
use crate::raw::record::record;
use crate::span::Span;
use crate::tree::Value;

record! { replaced
    /// A copy of some requests. Their answers are compared and thrown away; users never wait for them.
    #[schemars(rename = "Mirror", extend("required" = ["to"]))]
    RawMirrorMap is "`mirror`" {
        /// `candidate`, or another service.
        to: NameText,
        /// Which share of the requests. Default 100%.
        percent: Percent<1>,
        /// Whether requests that can change something are copied too. Default: GET, HEAD and OPTIONS only.
        unsafe_methods: Flag,
    }
}

/// Where copies go, or a map.
#[derive(Clone, Debug)]
pub(crate) struct RawMirror {
    pub(crate) to: RawMirrorTo,
    pub(crate) percent: u32,
    pub(crate) unsafe_methods: bool,
}

/// Where copies go.
#[derive(Clone, Debug)]
pub(crate) enum RawMirrorTo {
    /// The candidate of the same service.
    Candidate,
    /// A service, and where it is named.
    Service(Name, Span),
}

/// The word for the candidate; a service of that name cannot get copies.
const CANDIDATE: &str = "candidate";

fn mirror_to(NameText(name): NameText, span: Span) -> RawMirrorTo {
    if name.as_str() == CANDIDATE { RawMirrorTo::Candidate } else { RawMirrorTo::Service(name, span) }
}

impl Read for RawMirror {
    fn read(place: &Place<'_>, findings: &mut Findings<'_>) -> Option<Self> {
        if matches!(place.node.value, Value::Text(_)) {
            let to = mirror_to(NameText::read(place, findings)?, place.node.span);
            return Some(RawMirror { to, percent: 100, unsafe_methods: false });
        }
        let map = RawMirrorMap::read(place, findings)?;
        let name = required(&map.to, "to", place, findings)?;
        let span = map.to.get().map_or(place.key, |to| to.span);
        Some(RawMirror {
            to: mirror_to(name, span),
            percent: map.percent.value().map_or(100, |percent| percent.0),
            unsafe_methods: map.unsafe_methods.value().is_some_and(|flag| flag.0),
        })
    }
}

impl JsonSchema for RawMirror {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "MirrorForms".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let name = generator.subschema_for::<NameText>();
        let map = generator.subschema_for::<RawMirrorMap>();
        json_schema!({ "anyOf": [name, map] })
    }
}
