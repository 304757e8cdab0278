//! `cors`: which other origins may call, answered for the app.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use tidegate_core::model::Cors;

use crate::codes::{self, Code};
use crate::diagnostic::Diagnostic;
use crate::findings::Findings;
use crate::raw::fields::required;
use crate::raw::flag::Flag;
use crate::raw::header::{FieldName, is_token};
use crate::raw::read::{Place, Read};
use crate::raw::record::record;
use crate::raw::route::Host;
use crate::raw::some::OneOrMore;
use crate::raw::text::{Rule, Text};
use crate::raw::time::{DAY, Lasting};
use crate::span::Spanned;
use crate::tree::Value;

record! { replaced
    /// Cross-origin resource sharing, answered for the app: preflights do not reach it.
    #[schemars(rename = "Cors", extend("required" = ["origins"]))]
    RawCorsMap is "`cors`" {
        /// Origins like `https://shop.example.com` or `https://*.example.com`, or `*` for all.
        origins: OneOrMore<Text<Origin>>,
        /// Methods. Default GET, HEAD and POST.
        methods: OneOrMore<Text<MethodName>>,
        /// Request fields. Default: those asked for.
        headers: OneOrMore<Text<FieldName>>,
        /// Answer fields that scripts may read.
        expose: OneOrMore<Text<FieldName>>,
        /// Whether cookies may be sent. Not with the origin `*`.
        credentials: Flag,
        /// How long a preflight holds.
        max_age: Lasting<0, DAY>,
    }
}

/// Origins, or a map.
#[derive(Clone, Debug)]
pub(crate) struct RawCors(pub(crate) Cors);

/// An origin: scheme, host and perhaps a port.
#[derive(Clone, Debug)]
pub(crate) struct Origin(String);

/// A method, in capitals.
#[derive(Clone, Debug)]
pub(crate) struct MethodName(String);

/// With commas and blanks.
const LONGEST_LIST: usize = 2_048;

impl Rule for Origin {
    const WHAT: &'static str = "an origin";
    const CODE: Code = codes::BAD_ORIGIN;
    const PATTERN: &'static str = "^(\\*|https?://[^/\\s]+)$";

    fn parse(text: &str) -> Result<Self, String> {
        let text = text.to_ascii_lowercase();
        if text == "*" {
            return Ok(Origin(text));
        }
        let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
        let rest =
            rest.ok_or("write scheme and host: `https://shop.example.com`, or `*` for every origin")?;
        if rest.contains(['/', '?', '#', '@']) {
            return Err("an origin ends with its host or port: leave out the path".to_owned());
        }
        let (host, port) = rest.rsplit_once(':').map_or((rest, None), |(host, port)| (host, Some(port)));
        let is_port = |text: &str| text.parse::<u16>().is_ok_and(|port| port > 0 && port.to_string() == text);
        if port.is_some_and(|port| !is_port(port)) {
            return Err("the port is a number from 1 to 65535".to_owned());
        }
        if host == "*" {
            return Err("`*` stands alone or as the first label: `https://*.example.com`".to_owned());
        }
        Host::parse(host).map_err(str::to_owned)?;
        Ok(Origin(text))
    }
}

impl Rule for MethodName {
    const WHAT: &'static str = "a method";
    const CODE: Code = codes::BAD_CHOICE;
    const PATTERN: &'static str = "^[A-Z]+$";

    fn parse(text: &str) -> Result<Self, String> {
        let capitals = text.to_ascii_uppercase();
        if !is_token(text) || text.len() > 32 {
            Err("methods are words in capitals: `GET`, `PUT`".to_owned())
        } else if capitals != text {
            Err(format!("methods are written in capitals: `{capitals}`"))
        } else {
            Ok(MethodName(capitals))
        }
    }
}

impl Read for RawCors {
    fn read(place: &Place<'_>, findings: &mut Findings<'_>) -> Option<Self> {
        match &place.node.value {
            Value::Text(_) | Value::List(_) => {
                let origins = OneOrMore::<Text<Origin>>::read(place, findings)?;
                Some(RawCors(of_origins(&origins)))
            }
            Value::Map(_) => read_map(place, findings).map(RawCors),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Reported => {
                place.report_type("an origin, a list of origins or a map", findings);
                None
            }
        }
    }
}

fn of_origins(origins: &OneOrMore<Text<Origin>>) -> Cors {
    Cors {
        origins: origins.values().map(|Text(origin)| origin.0).collect(),
        methods: Vec::new(),
        headers: Vec::new(),
        expose: Vec::new(),
        credentials: false,
        max_age: None,
    }
}

fn read_map(place: &Place<'_>, findings: &mut Findings<'_>) -> Option<Cors> {
    let map = RawCorsMap::read(place, findings)?;
    let origins = required(&map.origins, "origins", place, findings)?;
    let names = |some: Option<&OneOrMore<Text<FieldName>>>| -> Vec<String> {
        some.map(|some| some.values().map(|Text(name)| name.0).collect()).unwrap_or_default()
    };
    let methods = map.methods.value().map(|some| some.values().map(|Text(method)| method.0).collect());
    let cors = Cors {
        methods: methods.unwrap_or_default(),
        headers: names(map.headers.value()),
        expose: names(map.expose.value()),
        credentials: map.credentials.value().is_some_and(|flag| flag.0),
        max_age: map.max_age.value().map(|age| age.0),
        ..of_origins(&origins)
    };
    check_credentials(&cors, map.credentials.get(), findings);
    let lists = [("methods", &cors.methods), ("headers", &cors.headers), ("expose", &cors.expose)];
    for (key, names) in lists {
        check_length(key, names, place, findings);
    }
    Some(cors)
}

/// A list is sent whole, in one field of every answer it belongs to.
fn check_length(key: &str, names: &[String], place: &Place<'_>, findings: &mut Findings<'_>) {
    if names.join(", ").len() <= LONGEST_LIST {
        return;
    }
    let message = format!("`{key}` of `cors` is longer than {LONGEST_LIST} bytes");
    findings.push(
        Diagnostic::error(codes::OUT_OF_RANGE, message)
            .at(place.key, "in here")
            .help(format!("name fewer of them, or remove `{key}` to get its default")),
    );
}

/// Browsers refuse the two together, and an answer that names every origin instead would let any site act as the user.
fn check_credentials(cors: &Cors, flag: Option<&Spanned<Flag>>, findings: &mut Findings<'_>) {
    let Some(flag) = flag.filter(|_| cors.credentials && cors.origins.iter().any(|origin| origin == "*"))
    else {
        return;
    };
    findings.push(
        Diagnostic::error(codes::CORS_CREDENTIALS, "`credentials` cannot be given to every origin")
            .at(flag.key, "with the origin `*`")
            .help("name the origins that may act for a signed-in user, or remove `credentials`"),
    );
}

impl JsonSchema for RawCors {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "CorsForms".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let map = generator.subschema_for::<RawCorsMap>();
        let origins = generator.subschema_for::<OneOrMore<Text<Origin>>>();
        json_schema!({ "anyOf": [origins, map] })
    }
}
