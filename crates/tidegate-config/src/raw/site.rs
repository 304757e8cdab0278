//! `static`: a service that is a folder of files.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use tidegate_core::model::SiteSpec;

use super::fields::required;
use super::flag::Flag;
use super::read::{Place, Read};
use super::record::record;
use super::text::{Rule, Text};
use crate::codes::{self, Code};
use crate::findings::Findings;
use crate::tree::Value;

record! { replaced
    /// A folder of the build whose files are served. Nothing runs.
    #[schemars(rename = "Static", extend("required" = ["root"]))]
    RawSiteMap is "`static`" {
        /// The folder, within the build: `dist`; `.` for all of it.
        root: Text<Within>,
        /// Paths without a file get `index.html` (single-page applications), not 404.
        spa: Flag,
        /// The file for 404, within the folder.
        not_found: Text<PageFile>,
    }
}

/// A folder, or a map.
#[derive(Clone, Debug)]
pub(crate) struct RawSite(pub(crate) SiteSpec);

/// A path within a folder.
#[derive(Clone, Debug)]
pub(crate) struct Within(String);

/// A file that may be served, within the folder.
#[derive(Clone, Debug)]
pub(crate) struct PageFile(String);

impl Rule for PageFile {
    const WHAT: &'static str = "a file that is served";
    const CODE: Code = codes::BAD_ROOT;
    const PATTERN: &'static str = Within::PATTERN;

    fn parse(text: &str) -> Result<Self, String> {
        let Within(file) = Within::parse(text)?;
        if file == "." || text.ends_with('/') {
            return Err("name a file of the folder, like `404.html`".to_owned());
        }
        if file.split('/').any(|name| name.starts_with('.')) {
            return Err("files whose names begin with a dot are not served".to_owned());
        }
        if file.contains('%') || file.split('/').any(|name| name.len() > 255) {
            return Err("names of at most 255 bytes without `%`, like `404.html`".to_owned());
        }
        Ok(PageFile(file))
    }
}

impl Rule for Within {
    const WHAT: &'static str = "a path within the build";
    const CODE: Code = codes::BAD_ROOT;
    const PATTERN: &'static str = "^[^/\\\\][^\\\\]*$";

    fn parse(text: &str) -> Result<Self, String> {
        if text.starts_with('/') {
            return Err("leave out the first `/`: it begins in the build's folder".to_owned());
        }
        if text.is_empty() || text.len() > 512 || text.contains(|c: char| c.is_control() || c == '\\') {
            return Err("1 to 512 bytes without control characters and `\\`, like `dist`".to_owned());
        }
        let segments: Vec<&str> = text.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
        if segments.contains(&"..") {
            return Err("it cannot lead out of the build with `..`".to_owned());
        }
        Ok(Within(if segments.is_empty() { ".".to_owned() } else { segments.join("/") }))
    }
}

impl Read for RawSite {
    fn read(place: &Place<'_>, findings: &mut Findings<'_>) -> Option<Self> {
        match &place.node.value {
            Value::Text(_) => {
                let Text(Within(root)) = Text::read(place, findings)?;
                Some(RawSite(SiteSpec { root, spa: false, not_found: None }))
            }
            Value::Map(_) => {
                let map = RawSiteMap::read(place, findings)?;
                let Text(Within(root)) = required(&map.root, "root", place, findings)?;
                let not_found = map.not_found.value().map(|Text(PageFile(file))| file.clone());
                let spa = map.spa.value().is_some_and(|flag| flag.0);
                Some(RawSite(SiteSpec { root, spa, not_found }))
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::List(_) | Value::Reported => {
                place.report_type("a folder like `dist` or a map", findings);
                None
            }
        }
    }
}

impl JsonSchema for RawSite {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "StaticForms".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let root = generator.subschema_for::<Text<Within>>();
        let map = generator.subschema_for::<RawSiteMap>();
        json_schema!({ "anyOf": [root, map] })
    }
}
