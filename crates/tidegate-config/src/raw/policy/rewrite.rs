//! `rewrite`: another path for the app than the client asked for.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use tidegate_core::model::Rewrite;

use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::findings::Findings;
use crate::quote::quote;
use crate::raw::read::{Place, Read};
use crate::raw::record::record;
use crate::raw::route::RoutePath;
use crate::tree::Value;

record! { replaced
    /// Another path for the app than the client asked for: `prefix` or `path`.
    #[schemars(rename = "Rewrite", extend("oneOf" = [{ "required": ["prefix"] }, { "required": ["path"] }]))]
    RawRewriteMap is "`rewrite`" {
        /// What the route's prefix is replaced by.
        prefix: Target,
        /// The whole path; the query stays.
        path: Target,
    }
}

/// What the route's prefix is replaced by, or a map.
#[derive(Clone, Debug)]
pub(crate) struct RawRewrite(pub(crate) Rewrite);

/// A path as it is sent.
#[derive(Clone, Debug)]
pub(crate) struct Target(String);

impl Read for Target {
    fn read(place: &Place<'_>, findings: &mut Findings<'_>) -> Option<Self> {
        let RoutePath(path) = RoutePath::read(place, findings)?;
        if path.bytes().all(|b| b.is_ascii_graphic() && !b"<>`".contains(&b)) {
            return Some(Target(path));
        }
        let message = format!("{} is not a path that can be sent", quote(&path));
        findings.push(
            Diagnostic::error(codes::BAD_PATH, message)
                .at(place.node.span, "has characters that no path has")
                .help("write other characters percent-encoded: `/b%C3%BCcher`"),
        );
        None
    }
}

impl JsonSchema for Target {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "SentPath".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<RoutePath>()
    }
}

impl Read for RawRewrite {
    fn read(place: &Place<'_>, findings: &mut Findings<'_>) -> Option<Self> {
        if !matches!(place.node.value, Value::Map(_)) {
            let Target(prefix) = Target::read(place, findings)?;
            return Some(RawRewrite(Rewrite::ReplacePrefix(prefix)));
        }
        let map = RawRewriteMap::read(place, findings)?;
        if map.prefix.is_absent() == map.path.is_absent() {
            findings.push(
                Diagnostic::error(codes::ROUTE_OPTION, "`rewrite` is to have either `prefix` or `path`")
                    .at(place.key, "")
                    .help("`prefix` replaces the route's own prefix, `path` is the whole path"),
            );
            return None;
        }
        let prefix = map.prefix.value().map(|path| Rewrite::ReplacePrefix(path.0.clone()));
        prefix.or_else(|| map.path.value().map(|path| Rewrite::Path(path.0.clone()))).map(RawRewrite)
    }
}

impl JsonSchema for RawRewrite {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "RewriteForms".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let map = generator.subschema_for::<RawRewriteMap>();
        let prefix = generator.subschema_for::<RoutePath>();
        json_schema!({ "anyOf": [prefix, map] })
    }
}
