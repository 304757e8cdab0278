//! `redirect`: an answer that sends the client elsewhere.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use tidegate_core::model::Redirect;

use crate::codes::{self, Code};
use crate::diagnostic::Diagnostic;
use crate::findings::Findings;
use crate::nearest::did_you_mean;
use crate::raw::fields::required;
use crate::raw::read::{Place, Read};
use crate::raw::record::record;
use crate::raw::text::{Rule, Text};
use crate::raw::whole::Whole;
use crate::tree::Value;

record! { replaced
    /// An answer that sends the client elsewhere.
    #[schemars(rename = "Redirect", extend("required" = ["to"]))]
    RawRedirectMap is "`redirect`" {
        /// A URL or a path. `{path}` is the path after the route's prefix, `{query}` the query with its `?`, `{host}`
        /// the host.
        to: Text<Location>,
        /// 301, 302, 303, 307 or 308. Default 307.
        status: Status,
    }
}

/// Where to, or a map.
#[derive(Clone, Debug)]
pub(crate) struct RawRedirect(pub(crate) Redirect);

/// A URL or a path, with places for what the client asked for.
#[derive(Clone, Debug)]
pub(crate) struct Location(String);

/// A status that redirects.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Status(u16);

/// For this time only, by the same method: what is taken back most easily.
const TEMPORARY: u16 = 307;
const STATUSES: [u16; 5] = [301, 302, 303, 307, 308];
const PLACES: [&str; 3] = ["path", "query", "host"];

impl Rule for Location {
    const WHAT: &'static str = "a place to go to";
    const CODE: Code = codes::BAD_REDIRECT;
    const PATTERN: &'static str = "^(https?://[^\\s]+|/[^\\s]*)$";

    fn parse(text: &str) -> Result<Self, String> {
        let lower = text.to_ascii_lowercase();
        let scheme = ["https://", "http://"].iter().find_map(|scheme| lower.strip_prefix(scheme));
        // A path that begins with two slashes would name a host.
        let path = text.starts_with('/') && !text.starts_with("//");
        if !path && scheme.is_none_or(str::is_empty) {
            return Err(
                "write a URL like `https://example.com{path}{query}` or a path like `/new`".to_owned()
            );
        }
        if scheme.is_some() && !["https://", "http://"].iter().any(|scheme| text.starts_with(scheme)) {
            return Err("write the scheme in lower case: `https://`".to_owned());
        }
        if text.len() > 2048 || !text.bytes().all(|b| b.is_ascii_graphic()) || text.contains('\\') {
            return Err("visible ASCII characters without spaces and `\\`, at most 2048".to_owned());
        }
        check_places(text)?;
        if scheme.is_some_and(|rest| !names_host(rest)) {
            return Err("say which host it leads to: `https://example.com{path}{query}`".to_owned());
        }
        Ok(Location(text.to_owned()))
    }
}

/// Whether what stands behind the scheme begins with a host that no client can change: `{path}` and `{query}` end it.
fn names_host(rest: &str) -> bool {
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let ends = ["{path}", "{query}"].iter().filter_map(|place| authority.find(place)).min();
    let (host, behind) = authority.split_at(ends.unwrap_or(authority.len()));
    let behind = behind.replace("{path}", "").replace("{query}", "");
    !host.is_empty() && behind.is_empty() && !authority.contains('@')
}

fn check_places(text: &str) -> Result<(), String> {
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        let Some((place, behind)) = after.split_once('}').filter(|_| !before.contains('}')) else {
            return Err("every `{` needs its `}`".to_owned());
        };
        if !PLACES.contains(&place) {
            let meant = did_you_mean(place, PLACES);
            return Err(format!("there are `{{path}}`, `{{query}}` and `{{host}}`{meant}"));
        }
        rest = behind;
    }
    if rest.contains('}') { Err("there is a `}` without its `{`".to_owned()) } else { Ok(()) }
}

impl Read for Status {
    fn read(place: &Place<'_>, findings: &mut Findings<'_>) -> Option<Self> {
        let Whole(number) = Whole::<100, 999>::read(place, findings)?;
        let known = STATUSES.into_iter().find(|status| u32::from(*status) == number);
        if known.is_none() {
            let message = format!("{number} is not a status that redirects");
            findings.push(
                Diagnostic::error(codes::BAD_CHOICE, message)
                    .at(place.node.span, "")
                    .help("301 and 308 are for ever, 302 and 307 for now; 307 and 308 keep the method, 303 makes it GET"),
            );
        }
        known.map(Status)
    }
}

impl Read for RawRedirect {
    fn read(place: &Place<'_>, findings: &mut Findings<'_>) -> Option<Self> {
        match &place.node.value {
            Value::Text(_) => {
                let Text(Location(to)) = Text::read(place, findings)?;
                Some(RawRedirect(Redirect { to, status: TEMPORARY }))
            }
            Value::Map(_) => {
                let map = RawRedirectMap::read(place, findings)?;
                let Text(Location(to)) = required(&map.to, "to", place, findings)?;
                let status = map.status.value().map_or(TEMPORARY, |status| status.0);
                Some(RawRedirect(Redirect { to, status }))
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::List(_) | Value::Reported => {
                place.report_type("a URL, a path or a map", findings);
                None
            }
        }
    }
}

impl JsonSchema for Status {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "RedirectStatus".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "integer", "enum": STATUSES })
    }
}

impl JsonSchema for RawRedirect {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "RedirectForms".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let map = generator.subschema_for::<RawRedirectMap>();
        json_schema!({ "anyOf": [{ "type": "string", "pattern": Location::PATTERN }, map] })
    }
}
