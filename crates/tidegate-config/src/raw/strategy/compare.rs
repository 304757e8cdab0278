//! `compare`: what of the answers to copies is compared.

use tidegate_core::model::{Compare, Copies};

use super::options::RawOptions;
use crate::codes::{self, Code};
use crate::diagnostic::Diagnostic;
use crate::findings::Findings;
use crate::raw::header::FieldName;
use crate::raw::list::ListOf;
use crate::raw::record::record;
use crate::raw::text::{Rule, Text};
use crate::span::Spanned;

record! { replaced
    /// What of the answers to copies is compared. The status always is, and the body.
    #[schemars(rename = "Compare")]
    RawCompare is "`compare`" {
        /// Fields, instead of `cache-control`, `content-encoding`, `content-language`, `content-type` and `location`.
        headers: ListOf<Text<FieldName>>,
        /// Places in JSON bodies that are left out: keys with dots between them, `*` for any one, `**` for any number:
        /// `time`, `items.*.id`, `**.trace`.
        ignore: ListOf<Text<JsonPlace>>,
    }
}

/// A place in a JSON body.
#[derive(Clone, Debug)]
pub(super) struct JsonPlace(String);

const LONGEST: usize = 256;

impl Rule for JsonPlace {
    const WHAT: &'static str = "a place in JSON";
    const CODE: Code = codes::BAD_JSON_PLACE;
    const PATTERN: &'static str = "^[^.]+(\\.[^.]+)*$";

    fn parse(text: &str) -> Result<Self, String> {
        if text.len() <= LONGEST && Compare::keys(text).is_some() {
            return Ok(JsonPlace(text.to_owned()));
        }
        Err("write keys with dots between them, at most one `**` and not at the end: `items.*.id`, `**.trace`"
            .to_owned())
    }
}

/// What copies are like.
pub(super) fn copies_of(options: &RawOptions, findings: &mut Findings<'_>) -> Copies {
    let unsafe_methods = options.unsafe_methods.value().is_some_and(|flag| flag.0);
    let plain = Compare::default();
    let Some(raw) = options.compare.value() else { return Copies { unsafe_methods, compare: plain } };
    let headers = listed("headers", raw.headers.get(), findings, |Text(FieldName(name))| name.clone());
    let ignore = listed("ignore", raw.ignore.get(), findings, |Text(JsonPlace(place))| place.clone());
    let compare =
        Compare { headers: headers.unwrap_or(plain.headers), ignore: ignore.unwrap_or(plain.ignore) };
    Copies { unsafe_methods, compare }
}

fn listed<T>(
    what: &str,
    list: Option<&Spanned<ListOf<T>>>,
    findings: &mut Findings<'_>,
    text: impl Fn(&T) -> String,
) -> Option<Vec<String>> {
    let list = list?;
    let (count, most) = (list.value.0.len(), Compare::MOST);
    if count > most {
        let message = format!("`{what}` has {count} entries, and at most {most} are compared");
        findings.push(Diagnostic::error(codes::TOO_MANY, message).at(list.key, ""));
    }
    Some(list.value.0.iter().map(|entry| text(&entry.value)).collect())
}
