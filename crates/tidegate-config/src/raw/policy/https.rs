//! `https`: plain HTTP on a route, and what is said about it under TLS.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use tidegate_core::model::HttpsPolicy;

use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::findings::Findings;
use crate::raw::choice::{Choice, parse_word, words};
use crate::raw::flag::Flag;
use crate::raw::read::{Place, Read};
use crate::raw::record::record;
use crate::raw::time::{DAY, Lasting, SECOND};
use crate::tree::Value;

record! { replaced
    /// Requests without TLS, and what browsers are told to remember.
    #[schemars(rename = "Https")]
    RawHttpsMap is "`https`" {
        /// Requests without TLS are redirected (308) to the same address with it. Default true.
        redirect: Flag,
        /// `Strict-Transport-Security` with this `max-age`, on answers under TLS. Default: none is sent.
        hsts: Lasting<SECOND, { 1_000 * DAY }>,
        /// Its `includeSubDomains`.
        subdomains: Flag,
    }
}

/// `redirect`, or a map.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RawHttps(pub(crate) HttpsPolicy);

const REDIRECT: HttpsPolicy = HttpsPolicy { redirect: true, hsts: None, hsts_subdomains: false };

impl Choice for HttpsPolicy {
    const WHAT: &'static str = "a setting of `https`";
    const ALL: &'static [(&'static str, Self)] = &[("redirect", REDIRECT)];
}

impl Read for RawHttps {
    fn read(place: &Place<'_>, findings: &mut Findings<'_>) -> Option<Self> {
        match &place.node.value {
            Value::Text(text) => parse_word(text, place.node.span, findings).map(RawHttps),
            Value::Map(_) => read_map(place, findings).map(RawHttps),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::List(_) | Value::Reported => {
                place.report_type("`redirect` or a map", findings);
                None
            }
        }
    }
}

fn read_map(place: &Place<'_>, findings: &mut Findings<'_>) -> Option<HttpsPolicy> {
    let map = RawHttpsMap::read(place, findings)?;
    if let (Some(subdomains), true) = (map.subdomains.get(), map.hsts.is_absent()) {
        findings.push(
            Diagnostic::error(codes::ROUTE_OPTION, "`subdomains` has no meaning without `hsts`")
                .at(subdomains.key, "")
                .help("say how long browsers are to remember it: `hsts: 365d`"),
        );
    }
    Some(HttpsPolicy {
        redirect: map.redirect.value().is_none_or(|flag| flag.0),
        hsts: map.hsts.value().map(|hsts| hsts.0),
        hsts_subdomains: map.subdomains.value().is_some_and(|flag| flag.0),
    })
}

impl JsonSchema for RawHttps {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "HttpsForms".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let map = generator.subschema_for::<RawHttpsMap>();
        let words: Vec<_> = words::<HttpsPolicy>().collect();
        json_schema!({ "anyOf": [{ "type": "string", "enum": words }, map] })
    }
}
